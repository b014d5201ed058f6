"""The overview page and its changing part."""

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from app.usecases import overview
from app.web.dependencies import deps


def index(request: Request) -> Response:
    """Show the overview."""
    return deps(request).renderer.page(
        request,
        "overview/index.html",
        overview=overview.look(deps(request).store),
        synced=request.query_params.get("synced", ""),
    )


def changing(request: Request) -> Response:
    """Return the changing part of the page, or 304 if the client has it (by ETag)."""
    answer = deps(request).renderer.page(
        request,
        "overview/_overview.html",
        overview=overview.look(deps(request).store),
    )
    etag = f'"{hashlib.sha256(answer.body).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    answer.headers["ETag"] = etag
    return answer
