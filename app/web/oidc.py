"""Log in with an OpenID provider."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import Busy, Conflict, NotFound, NotLoggedIn, ProviderFailed
from app.oidc_client import OidcClient
from app.store.sessions import Origin
from app.usecases import oidc
from app.web import login
from app.web.concurrency_limit import place
from app.web.dependencies import deps

_OVER = "the login has expired or was started in another browser; log in again"


def begin(request: Request) -> Response:
    """Redirect to the provider, with a cookie that the callback requires."""
    client = _client(request)
    secret = oidc.new_secret()
    wanted = login.local_path(request.query_params.get("next", "/"))
    try:
        response = RedirectResponse(client.authorization_url(secret), 303)
    except ProviderFailed as error:
        return login.page_with_problem(request, 502, wanted, str(error))
    login.set_cookie(
        response, deps(request).settings, _cookie(request), f"{secret} {wanted}",
        oidc.LOGIN_LIFETIME,
    )  # fmt: skip
    return response


async def callback(request: Request) -> Response:
    """Start the session of whom the provider names."""
    try:
        async with place(deps(request).provider_places, "log in", login.PATIENCE):
            return await run_in_threadpool(_finish, request)
    except Busy as error:
        return await run_in_threadpool(
            login.page_with_problem, request, 429, "/", str(error)
        )


async def provider_logout(request: Request) -> Response:
    """POST /login/provider/{id}/logout: end sessions that the provider has ended."""
    body = await request.body()
    async with place(deps(request).provider_places, "log out", login.PATIENCE):
        return await run_in_threadpool(_log_out, request, body)


def _finish(request: Request) -> Response:
    client = _client(request)
    secret, _, wanted = request.cookies.get(_cookie(request), "").partition(" ")
    wanted = login.local_path(wanted)
    asked = request.query_params
    known = secret and client.belongs(secret, asked.get("state", ""), asked.get("iss"))
    if not known:
        return _refused(request, 401, wanted, _OVER)
    if "code" not in asked:
        reason = asked.get("error_description") or asked.get("error", "no code")
        problem = f"{client.provider.name} refused the login: {reason[:200]}"
        return _refused(request, 401, wanted, problem)
    settings = deps(request).settings
    origin = Origin(login.address_of(request), request.headers.get("user-agent", ""))
    try:
        session = oidc.log_in(
            deps(request).store,
            request.path_params["provider"],
            client.provider,
            client.identify(secret, asked["code"]),
            timedelta(hours=settings.session_hours),
            origin,
            request.cookies.get(login.cookie_name(settings)),
        )
    except ProviderFailed as error:
        return _refused(request, 502, wanted, str(error))
    except (NotLoggedIn, Conflict) as error:
        return _refused(request, 403, wanted, str(error))
    return _without_cookie(request, login.logged_in(request, session, wanted))


def _log_out(request: Request, body: bytes) -> Response:
    client = _client(request)
    form = parse_qs(body.decode(errors="replace"))
    headers = {"Cache-Control": "no-store"}
    try:
        subject, provided = client.logged_out(form.get("logout_token", [""])[0])
    except ProviderFailed as error:
        return Response(f"{error}\n", 400, headers, "text/plain")
    origin = Origin(login.address_of(request), "")
    oidc.log_out(
        deps(request).store,
        request.path_params["provider"],
        client.provider.issuer,
        subject,
        provided,
        origin,
    )
    return Response(status_code=200, headers=headers)


def _client(request: Request) -> OidcClient:
    providers: Mapping[str, OidcClient] = deps(request).providers
    found = providers.get(request.path_params["provider"])
    if found is None:
        raise NotFound("there is no such login provider")
    return found


def _cookie(request: Request) -> str:
    return f"{login.cookie_name(deps(request).settings)}-provider"


def _refused(request: Request, status: int, wanted: str, problem: str) -> Response:
    page = login.page_with_problem(request, status, wanted, problem)
    return _without_cookie(request, page)


def _without_cookie(request: Request, response: Response) -> Response:
    response.delete_cookie(
        _cookie(request), httponly=True, secure=deps(request).settings.secure_cookies
    )
    return response
