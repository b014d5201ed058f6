"""Responses that a page polls to update a part of itself."""

import hashlib

from starlette.requests import Request
from starlette.responses import Response


def if_changed(request: Request, answer: Response) -> Response:
    """Return a response with its ETag, or 304 if the client has the same content."""
    etag = f'"{hashlib.sha256(answer.body).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    answer.headers["ETag"] = etag
    return answer
