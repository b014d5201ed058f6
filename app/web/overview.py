"""The overview page and its changing part."""

from starlette.requests import Request
from starlette.responses import Response

from app.usecases import overview
from app.web.dependencies import deps
from app.web.live_part import if_changed


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
    return if_changed(request, answer)
