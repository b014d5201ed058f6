"""Errors to HTTP: one table of status codes; a page or JSON, as the client asked."""

from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Match, Route
from structlog.contextvars import get_contextvars

from app import errors
from app.log import get
from app.web.dependencies import deps
from app.web.login import authenticate, login_url
from app.web.schemas import ProblemBody

log = get("web")

STATUS: dict[type[Exception], int] = {
    errors.NotLoggedIn: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.TooManyAttempts: 429,
    errors.Unavailable: 503,
    errors.NoRoom: 507,
    errors.BadSetting: 500,
    errors.LaunchFailed: 500,
}
#: Seconds after which a client repeats what FastDeploy had no time for.
BUSY_RETRY = 5
HEADINGS = {
    400: "That request makes no sense",
    401: "Log in first",
    403: "You may not do that",
    404: "There is nothing here",
    405: "That can't be done here",
    408: "That took too long",
    409: "Not in the present state",
    413: "That is too much",
    415: "Unsupported media type",
    422: "That can't be done like this",
    429: "Too many attempts",
    500: "FastDeploy made a mistake",
    503: "That isn't available at the moment",
    507: "The disk is full",
}


async def on_error(request: Request, error: Exception) -> Response:
    """Answer with the sentence and the status of an error raised on purpose."""
    assert isinstance(error, errors.FastDeployError)
    if isinstance(error, errors.NotLoggedIn) and _wants_page(request):
        return RedirectResponse(login_url(request), 303)
    code = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    problems = getattr(error, "problems", {})
    headers = {}
    if isinstance(error, errors.TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.Busy):
        headers["Retry-After"] = str(BUSY_RETRY)
    if code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return await _answer(request, code, str(error), headers, problems)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what Starlette itself refuses: no route, no such method."""
    assert isinstance(error, HTTPException)
    if _wants_page(request):
        if error.status_code == 405 and request.method == "GET":
            # A form is sent there; it is on the page above.
            return RedirectResponse(request.url.path.rpartition("/")[0] or "/", 303)
        # No route has looked who asks; who is logged in finds the way on from here.
        with suppress(errors.FastDeployError, OperationalError):
            request.state.actor = await run_in_threadpool(authenticate, request)
    message = (
        f"{request.url.path} is no page of FastDeploy"
        if error.status_code == 404
        else error.detail
    )
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # Starlette names those of one route; another may have the same path.
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return await _answer(request, error.status_code, message, headers)


def _methods(request: Request) -> set[str]:
    """The methods that the routes of a path take."""
    matching = (
        route.methods or set()
        for route in request.app.routes
        if isinstance(route, Route)
        and route.matches(request.scope)[0] is not Match.NONE
    )
    return set().union(*matching)


async def on_bad_body(request: Request, error: Exception) -> Response:
    """Answer a body of the API that is not as its schema says."""
    assert isinstance(error, ValidationError)
    problems = {
        ".".join(map(str, problem["loc"])): problem["msg"] for problem in error.errors()
    }
    message = "; ".join(f"{n}: {m}" if n else m for n, m in problems.items())
    return await _answer(request, 422, message, {}, problems)


async def on_bug(request: Request, error: Exception) -> Response:
    """Answer a bug of ours without telling the client about it; the log has it."""
    log.error("request.failed", path=request.url.path, exc_info=error)
    return await _answer(
        request, 500, "Something went wrong; the log of the web process says what.", {}
    )


HANDLERS: dict[Any, Any] = {
    errors.FastDeployError: on_error,
    HTTPException: on_http_exception,
    ValidationError: on_bad_body,
    OperationalError: on_bug,
}


async def _answer(
    request: Request,
    code: int,
    message: str,
    headers: Any,  # what Starlette calls a mapping of headers
    problems: dict[str, str] | None = None,
) -> Response:
    if not _wants_page(request):
        body = ProblemBody(error=message, problems=problems or {})
        return JSONResponse(body.model_dump(exclude_defaults=True), code, headers)
    page = await run_in_threadpool(
        deps(request).renderer.page,
        request,
        "error.html",
        code,
        status=code,
        heading=HEADINGS.get(code, "That did not work"),
        message=message,
        request_id=get_contextvars().get("request", ""),
        retry=request.url.path if request.method == "GET" else "",
        back="/",
    )
    page.headers.update(headers)
    return page


def _wants_page(request: Request) -> bool:
    if request.url.path.startswith("/api/"):
        return False
    return "text/html" in request.headers.get("accept", "")
