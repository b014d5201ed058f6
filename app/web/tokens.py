"""Token management pages."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.access import Grant, Permission
from app.domain.service_pattern import EVERY_SERVICE
from app.usecases import tokens
from app.web import token_form
from app.web.dependencies import actor_of, deps
from app.web.role_descriptions import SCOPE_DESCRIPTIONS
from app.web.token_form import LIFETIMES, TokenForm

_ALL = "/admin/tokens"
_OWN = "/account"


def index(request: Request) -> Response:
    """List the valid and the expired tokens, with a form to create one."""
    revoked = request.query_params.get("done") == "revoked"
    return _page(request, 200, TokenForm(), revoked=revoked)


def create(request: Request, form: FormData) -> Response:
    """Create a token that belongs to nobody, and show its secret once."""
    store, actor = deps(request).store, actor_of(request)
    sent = token_form.read(form)

    def make(ok: TokenForm) -> str:
        if ok.services == EVERY_SERVICE:
            return tokens.create_token(store, actor, ok.name, ok.scopes, ok.days)
        limits = [Grant(scope, ok.services) for scope in ok.scopes]
        return tokens.create_limited_token(store, actor, ok.name, limits, ok.days)

    secret = token_form.create(sent, make)
    if not secret:
        return _page(request, 422, sent)
    return show_secret(request, sent, secret, _ALL)


def show_secret(request: Request, sent: TokenForm, secret: str, back: str) -> Response:
    """Show the secret of a new token, which can't be shown again.

    This form alone doesn't end in a redirect: to show the secret on another page, it
    would have to be stored until then. A second submission fails: the name is taken.
    """
    return deps(request).renderer.page(
        request,
        "admin/token.html",
        201,
        name=sent.name,
        secret=secret,
        scopes=sent.scopes,
        origin=str(request.base_url).rstrip("/"),
        back=back,
    )


def confirm(request: Request) -> Response:
    """Ask for confirmation before a token is revoked."""
    token = tokens.find_token(
        deps(request).store, actor_of(request), request.path_params["id"]
    )
    back = _back(request)
    return deps(request).renderer.page(
        request, "admin/revoke.html", token=token, back=back
    )


def revoke(request: Request) -> Response:
    """Revoke a token."""
    tokens.revoke_token_by_id(
        deps(request).store, actor_of(request), request.path_params["id"]
    )
    return RedirectResponse(f"{_back(request)}?done=revoked", 303)


def _back(request: Request) -> str:
    """Return the path of the page that lists the token."""
    return _ALL if request.url.path.startswith(_ALL) else _OWN


def _page(
    request: Request, status_code: int, sent: TokenForm, *, revoked: bool = False
) -> Response:
    return deps(request).renderer.page(
        request,
        "admin/tokens.html",
        status_code,
        tokens=tokens.list_tokens(deps(request).store, actor_of(request)),
        permissions=list(Permission),
        scope_descriptions=SCOPE_DESCRIPTIONS,
        lifetimes=list(LIFETIMES),
        sent=sent,
        revoked=revoked,
    )
