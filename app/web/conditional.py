"""Conditional requests of the API: ETag, If-None-Match and If-Match (RFC 9110).

The ETag of a resource is a hash of the JSON that a GET returns. A client that sends it
in If-None-Match gets 304 while nothing has changed. With If-Match, a PUT or DELETE is
performed only if the resource is still what the client has seen.
"""

import hashlib
import inspect
import re
from functools import wraps
from typing import cast

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import NotFound, PreconditionFailed
from app.store import locks
from app.web.dependencies import deps
from app.web.routing import AppRoute, Handler, call

_TAG = re.compile(r'(?:W/)?"[^"]*"')
#: Serializes the changes with If-Match in this process, so that they hold at most one
#: database connection besides their own.
_one_at_a_time = anyio.Lock()


def with_etag(handler: Handler, method: str) -> Handler:
    """Return a handler of the API that also handles conditional requests."""

    @wraps(handler)
    def tagged(request: Request) -> Response:
        return _tagged(request, cast("Response", handler(request)))

    @wraps(handler)
    async def conditional(request: Request) -> Response:
        if method == "GET":
            return _tagged(request, await call(handler, request))
        if method in {"PUT", "DELETE"} and "if-match" in request.headers:
            return await _if_unchanged(request, handler)
        return await call(handler, request)

    is_async = inspect.iscoroutinefunction(handler)
    return conditional if is_async or method != "GET" else tagged


def _tagged(request: Request, response: Response) -> Response:
    """Add the ETag to a response, or return 304 if the client has it already."""
    if type(response) is not JSONResponse or response.status_code != 200:
        return response
    etag = _etag(response)
    headers = {"ETag": etag, "Vary": "Authorization, Cookie"}
    if "authorization" in request.headers:
        # A script may keep it; what a browser shows isn't stored on its disk.
        headers["Cache-Control"] = "private, no-cache"
    given = request.headers.get("if-none-match", "")
    if given.strip() == "*" or etag in _TAG.findall(given.replace("W/", "")):
        if link := response.headers.get("link"):
            headers["Link"] = link
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


async def _if_unchanged(request: Request, handler: Handler) -> Response:
    """Perform a change if the resource is what the client has seen.

    A lock in PostgreSQL keeps other conditional changes of it away meanwhile. Raises
    PreconditionFailed.
    """
    path = request.url.path
    async with _one_at_a_time:
        lock = deps(request).store.unlimited.begin()
        db = await run_in_threadpool(lock.__enter__)
        try:
            await run_in_threadpool(locks.lock_resource, db, path)
            current = await _current(request)
            if current is None or not _matches(request.headers["if-match"], current):
                raise PreconditionFailed(
                    f"{path} has changed since it was read: read it again"
                )
            return await call(handler, request)
        finally:
            await run_in_threadpool(lock.__exit__, None, None, None)


async def _current(request: Request) -> str | None:
    """Return the ETag of the resource that a request changes; None without one."""
    for route in request.app.routes:
        if not isinstance(route, AppRoute) or route.method != "GET":
            continue
        if route.path == request.scope["route"].path:
            try:
                return _etag(await call(inspect.unwrap(route.handler), request))
            except NotFound:
                return None
    return None


def _matches(given: str, current: str) -> bool:
    # A weak ETag never matches here: RFC 9110 asks for the strong comparison.
    strong = [tag for tag in _TAG.findall(given) if not tag.startswith("W/")]
    return given.strip() == "*" or current in strong


def _etag(response: Response) -> str:
    return f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"'
