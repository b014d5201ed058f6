"""Log in and out: the page, the session cookie, and the actor of a request."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import SplitResult, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL, FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.access import Actor, Permission
from app.errors import Busy, NotLoggedIn, SecondFactorNeeded, TooManyAttempts
from app.settings import Settings
from app.store.access_watch import Allowed, always
from app.store.store import Store
from app.usecases import auth, history
from app.web.concurrency_limit import place
from app.web.dependencies import actor_of, deps
from app.web.trusted_proxy import proxy_identity

#: The number of passwords that are checked at once: each takes 12 MiB and a core.
LOGINS_AT_ONCE = 1
#: Seconds that a login waits for a place.
PATIENCE = 10

#: The path of the page that asks for the code of a second factor.
STEP_PATH = "/login/code"
#: The path of the form on it with what a passkey has signed.
PASSKEY_PATH = "/login/passkey"
#: The path of the page on which users set up a second factor.
SECOND_FACTOR_PATH = "/account/second-factor"

#: The path at which a user whom the proxy names logs in.
PROXY_PATH = "/login/proxy"

#: The key of an ASGI scope with the actor of a command on FastDeploy's host. The client
#: of a server can't set it: uvicorn makes the scope of a request.
LOCAL_ACTOR = "fastdeploy.actor"

_ENDED = "Your session has expired; log in again."
_ANONYMOUS = "log in, or send a token in the header Authorization: Bearer TOKEN"


def cookie_name(settings: Settings) -> str:
    """Return the session cookie's name; with HTTPS, one that no other host can set."""
    return "__Host-fastdeploy" if settings.secure_cookies else "fastdeploy"


def step_cookie_name(settings: Settings) -> str:
    """Return the name of the cookie of a login that waits for its second factor."""
    return f"{cookie_name(settings)}-login"


def authenticate(request: Request) -> Actor:
    """Return the actor of a request, by bearer token or session cookie.

    A command on FastDeploy's host gives its actor with the request.

    Raises:
        NotLoggedIn: There is no valid token or session.
    """
    local: Actor | None = request.scope.get(LOCAL_ACTOR)
    if local is not None:
        return local
    return _authenticate(deps(request).store, *_secrets(request), _rules(request))


def _rules(request: Request) -> auth.SessionRules:
    """Return what a session needs in a request."""
    identity = proxy_identity(request)
    return auth.SessionRules(
        deps(request).settings.second_factor_roles,
        "" if identity is None else identity.subject,
    )


@dataclass(frozen=True, slots=True)
class StillAllowed:
    """Checks whether the access of a request is what it was at its beginning.

    The session or token must be valid, and must have every permission that it had: if a
    role is lowered, an open stream ends, and the client may ask again. The actor must
    still see the deployment.
    """

    store: Store
    #: The bearer token; None if it has a session.
    token: str | None
    #: The secret of the session.
    session: str
    permissions: frozenset[Permission]
    #: What the session needs.
    rules: auth.SessionRules
    #: The deployment that it is about, if any.
    deployment_id: int | None = None

    def __call__(self) -> bool:
        """Return whether nothing was revoked. Raises Unavailable."""
        try:
            found = _authenticate(self.store, self.token, self.session, self.rules)
        except NotLoggedIn:
            return False
        if found.needs_second_factor or not found.permissions >= self.permissions:
            return False
        if self.deployment_id is None or not found.access.visible:
            return True
        store = self.store.limited_to(found.access.visible)
        return history.exists(store, self.deployment_id)


def still_allowed(request: Request) -> Allowed:
    """Return the check of a request that was authenticated."""
    if LOCAL_ACTOR in request.scope:
        return always
    about = (
        request.path_params.get("id") if "/deployments/" in request.url.path else None
    )
    return StillAllowed(
        deps(request).store.unlimited,
        *_secrets(request),
        actor_of(request).permissions,
        _rules(request),
        about,
    )


def _secrets(request: Request) -> tuple[str | None, str]:
    """Return the bearer token, or else the secret of the session."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip(), ""
    return None, request.cookies.get(cookie_name(deps(request).settings), "")


def _authenticate(
    store: Store, token: str | None, secret: str, rules: auth.SessionRules
) -> Actor:
    if token is not None:
        return auth.by_token(store, token)
    actor = auth.by_session(store, secret, rules) if secret else None
    if actor is None:
        raise NotLoggedIn(_ENDED if secret else _ANONYMOUS)
    return actor


def address_of(request: Request) -> str:
    """Return the client's address, which a proxy on this host may have forwarded."""
    return request.client.host if request.client else ""


def login_url(request: Request) -> str:
    """Return the URL of the login page, which redirects to the requested page."""
    asked: URL | SplitResult = request.url
    if request.method != "GET":
        # The submitted form is lost, so redirect to the page with the form.
        asked = _sent_from(request)
    target = f"{asked.path}?{asked.query}" if asked.query else asked.path
    had_session = cookie_name(deps(request).settings) in request.cookies
    ended = "&ended=1" if had_session else ""
    return f"/login?next={quote(local_path(target))}{ended}"


def _sent_from(request: Request) -> SplitResult:
    """Return the URL of the page that a form was submitted from."""
    try:
        return urlsplit(request.headers.get("referer", "/"))
    except ValueError:
        return urlsplit("/")


def show(request: Request) -> Response:
    """Show the login page; with `local`, also to a user whom the proxy names."""
    wanted = local_path(request.query_params.get("next", "/"))
    if proxy_identity(request) and "local" not in request.query_params:
        return RedirectResponse(f"{PROXY_PATH}?next={quote(wanted)}", 303)
    problem = _ENDED if request.query_params.get("ended") else ""
    return _page(request, next=wanted, name="", problem=problem)


async def submit(request: Request, form: FormData) -> Response:
    """Log in and redirect to the page that was requested before."""
    places = deps(request).login_places
    async with AsyncExitStack() as held:
        try:
            await held.enter_async_context(place(places, "log in", PATIENCE))
        except Busy as error:
            return await run_in_threadpool(_paused, request, form, str(error), PATIENCE)
        return await run_in_threadpool(_log_in, request, form)


def _log_in(request: Request, form: FormData) -> Response:
    name, wanted = str(form.get("name", "")), local_path(str(form.get("next", "/")))
    settings = deps(request).settings
    lifetime = timedelta(hours=settings.session_hours)
    try:
        secret = auth.log_in(
            deps(request).store,
            name,
            str(form.get("password", "")),
            address_of(request),
            lifetime,
            former=request.cookies.get(cookie_name(settings)),
            user_agent=request.headers.get("user-agent", ""),
        )
    except SecondFactorNeeded as needed:
        return _ask_for_code(request, needed.secret, wanted)
    except NotLoggedIn as error:
        return _page(request, 401, next=wanted, name=name, problem=str(error))
    except TooManyAttempts as error:
        return _paused(request, form, str(error), error.retry_after)
    return logged_in(request, secret, wanted)


def logged_in(request: Request, secret: str, wanted: str) -> Response:
    """Redirect to a page, with the cookie of a new session."""
    settings = deps(request).settings
    response = RedirectResponse(wanted, 303)
    lifetime = timedelta(hours=settings.session_hours)
    set_cookie(response, settings, cookie_name(settings), secret, lifetime)
    return response


def _ask_for_code(request: Request, secret: str, wanted: str) -> Response:
    settings = deps(request).settings
    response = RedirectResponse(f"{STEP_PATH}?next={quote(wanted)}", 303)
    name = step_cookie_name(settings)
    set_cookie(response, settings, name, secret, auth.STEP_LIFETIME)
    return response


def set_cookie(
    response: Response, settings: Settings, name: str, secret: str, lifetime: timedelta
) -> None:
    """Set a cookie that no script reads, for the requests of this site."""
    response.set_cookie(
        name,
        secret,
        max_age=int(lifetime.total_seconds()),
        httponly=True,
        secure=settings.secure_cookies,
        samesite="lax",
    )


def _paused(
    request: Request, form: FormData, problem: str, retry_after: int
) -> Response:
    name, wanted = str(form.get("name", "")), local_path(str(form.get("next", "/")))
    page = _page(request, 429, next=wanted, name=name, problem=problem)
    page.headers["Retry-After"] = str(retry_after)
    return page


def log_out(request: Request) -> Response:
    """End the session on the server and delete its cookie."""
    name = cookie_name(deps(request).settings)
    secret = request.cookies.get(name)
    provider = ""
    if secret:
        provider = auth.log_out(deps(request).store, secret, address_of(request))
    # Otherwise, the name that the proxy sends would log in again.
    target = "/login?local=1" if provider == auth.PROXY else "/login"
    response = RedirectResponse(target, 303)
    response.delete_cookie(
        name, httponly=True, secure=deps(request).settings.secure_cookies
    )
    return response


def page_with_problem(
    request: Request, status_code: int, wanted: str, problem: str
) -> Response:
    """Return the login page, which says why a login failed."""
    return _page(request, status_code, next=wanted, name="", problem=problem)


def _page(request: Request, status_code: int = 200, **context: str) -> Response:
    providers = {
        id_: client.provider.name for id_, client in deps(request).providers.items()
    }
    return deps(request).renderer.page(
        request, "login.html", status_code, providers=providers,
        proxy=deps(request).proxy_login if proxy_identity(request) else None,
        proxy_path=PROXY_PATH, **context,
    )  # fmt: skip


def local_path(target: str) -> str:
    """Return the target if it is a local path, or `/`, to prevent an open redirect."""
    # Browsers treat a backslash as a slash, and drop tabs and newlines.
    inside = target.startswith("/") and not target.startswith(("//", "/\\"))
    plain = not any(ord(character) < 0x21 or character == "\\" for character in target)
    return target if inside and plain else "/"
