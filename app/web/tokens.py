"""Token management pages."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.access import Permission
from app.errors import Conflict, InvalidFields, NotFound
from app.store.tokens import Token
from app.usecases import auth
from app.web.dependencies import actor_of, deps
from app.web.role_descriptions import SCOPE_DESCRIPTIONS

#: Lifetimes of a token in days, by the value that the form sends.
LIFETIMES = {"7": 7, "30": 30, "90": 90, "365": 365, "never": None}
#: The lifetime that the form preselects.
_USUAL = "90"


def index(request: Request) -> Response:
    """List the valid and the expired tokens, with a form to create one."""
    sent = {"lifetime": _USUAL}
    revoked = request.query_params.get("done") == "revoked"
    return _page(request, 200, sent=sent, chosen=[], problems={}, revoked=revoked)


def create(request: Request, form: FormData) -> Response:
    """Create a token and show its secret, which can't be shown again.

    This form alone doesn't end in a redirect: to show the secret on another page, it
    would have to be stored until then. A second submission fails: the name is taken.
    """
    name = str(form.get("name", "")).strip()
    chosen = [str(scope) for scope in form.getlist("scope")]
    lifetime = str(form.get("lifetime", ""))
    scopes = [scope for scope in Permission if scope in chosen]
    problems = {}
    if not scopes:
        problems["scope"] = "choose at least one scope"
    if lifetime not in LIFETIMES:
        problems["lifetime"] = "choose a lifetime"
    secret = ""
    try:
        if not problems:
            secret = auth.create_token(
                deps(request).store,
                actor_of(request),
                name,
                scopes,
                LIFETIMES[lifetime],
            )
    except InvalidFields as error:
        problems |= error.problems
    except Conflict as error:
        problems["name"] = str(error)
    if problems:
        sent = {"name": name, "lifetime": lifetime}
        return _page(request, 422, sent=sent, chosen=chosen, problems=problems)
    return deps(request).renderer.page(
        request,
        "admin/token.html",
        201,
        name=name,
        secret=secret,
        scopes=scopes,
        origin=str(request.base_url).rstrip("/"),
    )


def confirm(request: Request) -> Response:
    """Ask for confirmation before a token is revoked."""
    token = _found(request)
    return deps(request).renderer.page(request, "admin/revoke.html", token=token)


def revoke(request: Request) -> Response:
    """Revoke a token."""
    token = _found(request)
    auth.revoke_token(deps(request).store, actor_of(request), token.name)
    return RedirectResponse("/admin/tokens?done=revoked", 303)


def _page(
    request: Request,
    status_code: int,
    *,
    sent: dict[str, str],
    chosen: list[str],
    problems: dict[str, str],
    revoked: bool = False,
) -> Response:
    return deps(request).renderer.page(
        request,
        "admin/tokens.html",
        status_code,
        tokens=auth.list_tokens(deps(request).store, actor_of(request)),
        permissions=list(Permission),
        scope_descriptions=SCOPE_DESCRIPTIONS,
        lifetimes=list(LIFETIMES),
        sent=sent,
        chosen=chosen,
        problems=problems,
        revoked=revoked,
    )


def _found(request: Request) -> Token:
    number = request.path_params["id"]
    for token in auth.list_tokens(deps(request).store, actor_of(request)):
        if token.id == number:
            return token
    raise NotFound(f"token {number} not found; it may have been revoked")
