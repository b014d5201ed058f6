"""Authenticate and authorize requests, and protect against cross-site requests.

`route(…)` makes a route that needs a permission, `api_route(…)` one of the API, and
`public(…)` one that needs no permission, and `signed(…)` one whose requests carry a
signature that the handler checks. A request that changes something must come
from FastDeploy's own pages or a script: a form contains the CSRF token of its session,
a script sends a bearer token. A request from another site, by its header Sec-Fetch-Site
or Origin, is rejected.
"""

import hmac
import inspect
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from structlog.contextvars import bound_contextvars

from app.domain.access import Actor, Permission
from app.errors import NotAllowed, NotLoggedIn, SecondFactorRequired
from app.settings import Settings
from app.web import conditional, query, rate_limit
from app.web.dependencies import actor_of, deps, limit_deps
from app.web.form_body import parse_form
from app.web.json_body import require_json, require_unique_keys
from app.web.login import address_of, authenticate
from app.web.operation import Operation
from app.web.revocation import until_revoked
from app.web.routing import AppRoute, Handler
from app.web.subject import require_visible

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: The number of streams that are opened at once; the others take no thread meanwhile.
#: When a deployment starts, hundreds may come, and other requests would wait for them.
OPENED_AT_ONCE = 2


def route(
    path: str,
    handler: Handler,
    permission: Permission,
    method: str = "GET",
    *,
    takes: Collection[str] = (),
    operation: Operation | None = None,
    open_by: Callable[[Settings], bool] | None = None,
    in_set_up: bool = False,
    is_stream: bool = False,
) -> AppRoute:
    """Make a route for actors with a permission; `takes` names its query parameters.

    If `open_by` is true for the settings, a request without a token is allowed too.
    With `in_set_up`, users who still have to set up a second factor get through. The
    responses of a route that `is_stream` are opened by OPENED_AT_ONCE at a time.
    """
    guard = _Guard(
        path,
        _Handler(handler),
        permission,
        takes,
        operation,
        open_by,
        in_set_up,
    )
    return AppRoute(
        path,
        handler,
        guard.open_stream if is_stream else guard.respond,
        method,
        permission=permission,
        takes=takes,
        operation=operation,
    )


class _Handler:
    """The function that responds; it gets the form if it has such a parameter."""

    def __init__(self, function: Handler) -> None:
        self._function = function
        self._takes_form = "form" in inspect.signature(function).parameters
        self.is_async = inspect.iscoroutinefunction(function)

    def call(self, request: Request, form: FormData) -> Response:
        """Call a function that isn't a coroutine function."""
        return cast("Response", self._call(request, form))

    async def call_async(self, request: Request, form: FormData) -> Response:
        """Call a coroutine function."""
        return await cast("Awaitable[Response]", self._call(request, form))

    def _call(self, request: Request, form: FormData) -> Response | Awaitable[Response]:
        arguments = (request, form) if self._takes_form else (request,)
        return self._function(*arguments)


@dataclass(frozen=True, slots=True)
class _Guard:
    """Authenticates and authorizes the requests of a route, and calls its handler.

    What may block is done in one thread, since a request waits for each thread.
    """

    path: str
    handler: _Handler
    permission: Permission
    takes: Collection[str]
    operation: Operation | None
    open_by: Callable[[Settings], bool] | None
    in_set_up: bool

    @property
    def _takes_json(self) -> bool:
        return self.operation is not None and self.operation.body is not None

    async def open_stream(self, request: Request) -> Response:
        """Respond when fewer than OPENED_AT_ONCE streams are being opened."""
        async with deps(request).stream_places:
            return await self.respond(request)

    async def respond(self, request: Request) -> Response:
        """Return the response of the handler; raise the errors of its actor."""
        if request.method in _SAFE:
            form = FormData()
            response = await run_in_threadpool(self._respond_to_safe, request)
        else:
            await run_in_threadpool(self._identify, request)
            form = await _form(request)
            body = await request.body() if self._takes_json else b""
            response = await run_in_threadpool(
                self._respond_to_actor, request, form, body
            )
        if response is None:
            with bound_contextvars(**_ids(request, self.path)):
                response = await self.handler.call_async(request, form)
        rate_limit.add_headers(request, response)
        return until_revoked(request, response)

    def _respond_to_safe(self, request: Request) -> Response | None:
        self._identify(request)
        return self._respond_to_actor(request, FormData())

    def _respond_to_actor(
        self, request: Request, form: FormData, body: bytes = b""
    ) -> Response | None:
        """Authorize a request and call its handler; None if that must be awaited.

        `body` is that of a request with JSON.
        """
        self._authorize(request, form)
        if self._takes_json:
            require_json(request)
            require_unique_keys(body)
        if self.handler.is_async:
            return None
        with bound_contextvars(**_ids(request, self.path)):
            return self.handler.call(request, form)

    def _identify(self, request: Request) -> None:
        """Find the actor of a request. Raises NotLoggedIn, and TooManyRequests."""
        is_open = self.open_by is not None and self.open_by(deps(request).settings)
        if is_open and "authorization" not in request.headers:
            found = Actor("anonymous", frozenset({self.permission}))
        else:
            found = _authenticate(request)
        actor = replace(found, address=address_of(request))
        request.state.actor = actor
        limit_deps(request, actor)
        if self.operation is not None:
            rate_limit.count_api(request, actor)

    def _authorize(self, request: Request, form: FormData) -> None:
        actor = actor_of(request)
        if request.method not in _SAFE:
            _require_own_page(request)
            _require_token(request, actor, form)
        if actor.needs_second_factor and not self.in_set_up:
            raise SecondFactorRequired
        actor.require(self.permission)
        query.require_known(request.query_params, self.takes)
        if self.operation is not None:
            query.require_numbers(request.query_params, self.operation.numbers)
        require_visible(request, self.path)


def api_route(
    method: str,
    path: str,
    handler: Handler,
    permission: Permission,
    operation: Operation,
    *,
    is_stream: bool = False,
) -> AppRoute:
    """Make a route of the API, which takes the query parameters of its operation."""
    return route(
        path,
        conditional.with_etag(handler, method),
        permission,
        method,
        takes=operation.query,
        operation=operation,
        is_stream=is_stream,
    )


def public(path: str, handler: Handler, method: str = "GET") -> AppRoute:
    """Make a route without authentication."""
    function = _Handler(handler)

    async def unguarded(request: Request) -> Response:
        request.state.actor = None
        form = await _form(request)
        if request.method not in _SAFE:
            _require_own_page(request)
        if function.is_async:
            return await function.call_async(request, form)
        return await run_in_threadpool(function.call, request, form)

    return AppRoute(path, handler, unguarded, method, permission=None)


def _ids(request: Request, path: str) -> dict[str, int]:
    """Return what the log lines of a request say about its subject."""
    about = path.startswith(("/deployments/{id:", "/api/v1/deployments/{id:"))
    return {"deployment": request.path_params["id"]} if about else {}


def signed(path: str, handler: Callable[[Request], Awaitable[Response]]) -> AppRoute:
    """Make a route for programs without an account, which sign what they send.

    The handler checks the signature. A browser can't make one, so neither a CSRF token
    nor the origin matters, and cookies aren't looked at.
    """

    async def unguarded(request: Request) -> Response:
        request.state.actor = None
        query.require_known(request.query_params, ())
        return await handler(request)

    return AppRoute(path, handler, unguarded, "POST", permission=None)


def _authenticate(request: Request) -> Actor:
    """Return the actor of a request. Raises NotLoggedIn, and TooManyRequests."""
    try:
        return authenticate(request)
    except NotLoggedIn:
        if "authorization" in request.headers:
            rate_limit.count_invalid_token(request, address_of(request))
        raise


async def _form(request: Request) -> FormData:
    # The API takes JSON.
    if request.method in _SAFE or request.url.path.startswith("/api/v1/"):
        return FormData()
    body = await request.body()
    # In a thread: parsing the largest body would block other requests for too long.
    return await run_in_threadpool(
        parse_form, request.headers.get("content-type"), body
    )


def _require_own_page(request: Request) -> None:
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    foreign = origin is not None and _host_of(origin) != request.headers.get("host", "")
    if foreign or site not in ("same-origin", "none"):
        raise NotAllowed("cross-site request rejected; open FastDeploy and try again")


def _host_of(origin: str) -> str | None:
    """Return the host and port of an Origin header; None if it is malformed."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _require_token(request: Request, actor: Actor, form: FormData) -> None:
    if not actor.csrf_token:
        return
    sent = request.headers.get("x-csrf-token") or str(form.get("csrf_token", ""))
    if not hmac.compare_digest(sent.encode(), actor.csrf_token.encode()):
        raise NotAllowed(
            "this form belongs to an expired session; reload the page and try again"
        )
