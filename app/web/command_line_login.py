"""Log in on another computer's command line: the page that confirms it."""

import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.domain.access import Permission
from app.errors import Invalid
from app.usecases import command_line_login
from app.web import token_form
from app.web.dependencies import actor_of, deps
from app.web.middleware import content_policy
from app.web.role_descriptions import SCOPE_DESCRIPTIONS
from app.web.token_form import LIFETIMES, TokenForm

#: The query parameters of the page.
TAKES = ("port", "challenge", "state", "machine")
_PORTS = range(1024, 65536)
_STATE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_MACHINE = 40
#: The scopes that are selected at first: what launches and their output need.
_USUAL_SCOPES = (
    Permission.VIEW,
    Permission.CHECK,
    Permission.DEPLOY,
    Permission.CANCEL,
)
_NOT_IN_NAMES = re.compile(r"[^\w.@+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a command asks for: it listens on a port of its own computer."""

    port: int
    challenge: str
    state: str
    machine: str

    @property
    def address(self) -> str:
        """Where the browser is redirected to."""
        return f"http://127.0.0.1:{self.port}"


def show(request: Request) -> Response:
    """Ask the user whether a command gets a token, and what it may do."""
    asked = _parse(dict(request.query_params))
    started = time.strftime("%Y-%m-%d %H.%M.%S", time.gmtime())
    actor = actor_of(request)
    form = TokenForm(
        name=f"{asked.machine} {started}",
        scopes=[one for one in _USUAL_SCOPES if actor.may(one)],
    )
    return _page(request, asked, form)


def submit(request: Request, form: FormData) -> Response:
    """Create the token, and redirect to the command with the code for it."""
    asked = _parse({name: str(form.get(name, "")) for name in TAKES})
    sent = token_form.read(form)
    code = token_form.create(sent, lambda ok: _make_code(request, asked, ok))
    if not code:
        return _page(request, asked, sent, 422)
    query = urlencode({"code": code, "state": asked.state})
    return RedirectResponse(f"{asked.address}/?{query}", 303)


def exchange(request: Request, form: FormData) -> Response:
    """Exchange a code for the token."""
    token = command_line_login.exchange(
        deps(request).store,
        deps(request).secret_box,
        str(form.get("code", "")),
        str(form.get("code_verifier", "")),
        time.time(),
    )
    return JSONResponse({"access_token": token, "token_type": "Bearer"})


def _make_code(request: Request, asked: _Asked, form: TokenForm) -> str:
    return command_line_login.make_code(
        deps(request).store,
        deps(request).secret_box,
        actor_of(request),
        form.name,
        form.scopes,
        form.days,
        asked.challenge,
        time.time(),
    )


def _parse(given: dict[str, str]) -> _Asked:
    """Return what a command asks for. Raises Invalid."""
    port, state = given.get("port", ""), given.get("state", "")
    command_line_login.require_challenge(given.get("challenge", ""))
    if not re.fullmatch("[0-9]{4,5}", port) or int(port) not in _PORTS:
        raise Invalid("this address has no valid port; run fastdeploy login again")
    if not _STATE.fullmatch(state):
        raise Invalid("this address isn't complete; run fastdeploy login again")
    machine = _NOT_IN_NAMES.sub("-", given.get("machine", ""))[:_MACHINE]
    return _Asked(int(port), given["challenge"], state, machine or "unknown")


def _page(
    request: Request, asked: _Asked, form: TokenForm, status_code: int = 200
) -> Response:
    actor = actor_of(request)
    page = deps(request).renderer.page(
        request,
        "account/command_line.html",
        status_code,
        asked=asked,
        sent=form,
        permissions=[one for one in Permission if actor.may(one)],
        scope_descriptions=SCOPE_DESCRIPTIONS,
        lifetimes=list(LIFETIMES),
    )
    # Browsers apply form-action to the redirect that follows, too.
    page.headers["Content-Security-Policy"] = content_policy(f"'self' {asked.address}")
    return page
