"""Turn errors into HTTP responses: status codes, and a page or JSON for the client."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Match, Route
from structlog.contextvars import get_contextvars

from app import errors
from app.domain import validation_messages
from app.domain.access import Actor
from app.log import get
from app.usecases import audit, launch_summary
from app.usecases.confirmation import ConfirmationNeeded
from app.web.dependencies import deps
from app.web.launch_facts import launch_facts
from app.web.login import SECOND_FACTOR_PATH, address_of, authenticate, login_url
from app.web.problem_body import PROBLEM, LaunchFactBody, ProblemBody

log = get("web")

STATUS: dict[type[Exception], int] = {
    errors.NotLoggedIn: 401,
    errors.NotAllowed: 403,
    errors.ProviderFailed: 502,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.Invalid: 422,
    errors.TooManyAttempts: 429,
    errors.Unavailable: 503,
    errors.NoRoom: 507,
    errors.BadSetting: 500,
    errors.LaunchFailed: 500,
}
#: Seconds in the Retry-After header of a request that FastDeploy was too busy for.
BUSY_RETRY = 5
HEADINGS = {
    400: "Bad request",
    401: "Not logged in",
    403: "Permission denied",
    404: "Page not found",
    405: "Method not allowed",
    408: "Request timeout",
    409: "Conflict",
    412: "Changed since it was read",
    413: "Request too large",
    415: "Unsupported media type",
    422: "Validation failed",
    429: "Too many requests",
    500: "Internal error",
    502: "Login provider failed",
    503: "Service unavailable",
    507: "Disk full",
}


async def on_error(request: Request, error: Exception) -> Response:
    """Answer a FastDeployError with its message and status code."""
    assert isinstance(error, errors.FastDeployError)
    if isinstance(error, errors.NotLoggedIn) and _wants_page(request):
        return RedirectResponse(login_url(request), 303)
    if isinstance(error, errors.SecondFactorRequired) and _wants_page(request):
        return RedirectResponse(SECOND_FACTOR_PATH, 303)
    code = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    problems = getattr(error, "problems", {})
    headers = {}
    if isinstance(error, errors.TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.TooManyRequests):
        headers |= error.headers
    if isinstance(error, errors.Busy):
        headers["Retry-After"] = str(BUSY_RETRY)
    if isinstance(error, errors.NotAllowed):
        await run_in_threadpool(_note_refusal, request, str(error))
    if code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    facts: list[LaunchFactBody] = []
    if isinstance(error, ConfirmationNeeded):
        facts = await run_in_threadpool(_facts, request, error)
    return await _answer(request, code, str(error), headers, problems, facts)


def _facts(request: Request, needed: ConfirmationNeeded) -> list[LaunchFactBody]:
    found = deps(request)
    summary = launch_summary.summarize(found.store, found.settings, needed)
    return [LaunchFactBody(name=n, text=t) for n, t in launch_facts(summary)]


def _note_refusal(request: Request, reason: str) -> None:
    """Record in the audit log what an authenticated actor may not do."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None:
        return
    # Encoded: PostgreSQL can't store every character that a path may have.
    asked = f"{request.method} {quote(request.url.path, errors='replace')}"
    try:
        audit.note_refusal(deps(request).store, actor, asked, reason)
    except errors.Unavailable as error:
        log.warning("audit.incomplete", refused=asked, error=str(error))


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer an HTTPException of Starlette, such as 404 or 405."""
    assert isinstance(error, HTTPException)
    if _wants_page(request):
        if error.status_code == 405 and request.method == "GET":
            # The path takes a form, which is on the parent page.
            return RedirectResponse(request.url.path.rpartition("/")[0] or "/", 303)
        # No route authenticated the request; the page has more links for an actor.
        with suppress(errors.FastDeployError, OperationalError):
            request.state.actor = await run_in_threadpool(authenticate, request)
    message = (
        f"page not found: {request.url.path}"
        if error.status_code == 404
        else error.detail
    )
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # Starlette lists the methods of one route; others may share its path.
        headers["Allow"] = ", ".join(sorted(_methods(request)))
        message = f"{request.method} isn't possible here; possible: {headers['Allow']}"
    return await _answer(request, error.status_code, message, headers)


def _methods(request: Request) -> set[str]:
    """Return the methods of all routes that match the path."""
    matching = (
        route.methods or set()
        for route in request.app.routes
        if isinstance(route, Route)
        and route.matches(request.scope)[0] is not Match.NONE
    )
    return set().union(*matching)


async def on_bad_body(request: Request, error: Exception) -> Response:
    """Answer an API request whose body fails validation."""
    assert isinstance(error, ValidationError)
    problems = {
        ".".join(map(str, problem["loc"])): validation_messages.sentence(problem)
        for problem in error.errors()
    }
    message = "; ".join(f"{n}: {m}" if n else m for n, m in problems.items())
    return await _answer(request, 422, message, {}, problems)


async def on_wrong_proxy(request: Request, problem: str) -> Response:
    """Record and answer a request whose headers aren't those of the proxy."""
    request.state.actor = Actor("proxy", frozenset(), address=address_of(request))
    await run_in_threadpool(_note_refusal, request, problem)
    request.state.actor = None
    return await _answer(request, 401, problem, {})


async def on_bug(request: Request, error: Exception) -> Response:
    """Log an unexpected error and answer 500 without details."""
    log.error("request.failed", path=request.url.path, exc_info=error)
    return await _answer(
        request, 500, "Internal error; see the log of the web process.", {}
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
    headers: Any,  # a mapping of headers, as Starlette types it
    problems: dict[str, str] | None = None,
    launch: list[LaunchFactBody] | None = None,
) -> Response:
    if not _wants_page(request):
        body = ProblemBody(
            title=HTTPStatus(code).phrase,
            status=code,
            detail=message,
            error=message,
            problems=problems or {},
            launch=launch or [],
        )
        return JSONResponse(
            body.model_dump(exclude_defaults=True), code, headers, PROBLEM
        )
    page = await run_in_threadpool(
        deps(request).renderer.page,
        request,
        "error.html",
        code,
        status=code,
        heading=HEADINGS.get(code, "Request failed"),
        message=message,
        request_id=get_contextvars().get("request", ""),
        retry=request.url.path if request.method == "GET" else "",
        back="/",
    )
    page.headers.update(headers)
    return page


def _wants_page(request: Request) -> bool:
    if request.url.path.startswith(("/api/", "/hooks/")):
        return False
    return "text/html" in request.headers.get("accept", "")
