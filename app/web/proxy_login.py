"""Log in as the user whom the proxy names."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import Conflict, NotLoggedIn
from app.store.sessions import Origin
from app.usecases import auth, oidc
from app.web import login
from app.web.dependencies import deps
from app.web.trusted_proxy import proxy_identity


def log_in(request: Request) -> Response:
    """Start a session with the role of the groups, and redirect to the wanted page."""
    wanted = login.local_path(request.query_params.get("next", "/"))
    identity, rules = proxy_identity(request), deps(request).proxy_login
    if identity is None or rules is None:
        return RedirectResponse("/login", 303)
    settings = deps(request).settings
    try:
        session = oidc.log_in(
            deps(request).store,
            auth.PROXY,
            rules,
            identity,
            timedelta(hours=settings.session_hours),
            Origin(login.address_of(request), request.headers.get("user-agent", "")),
            request.cookies.get(login.cookie_name(settings)),
        )
    except (NotLoggedIn, Conflict) as error:
        return login.page_with_problem(request, 403, wanted, str(error))
    return login.logged_in(request, session, wanted)
