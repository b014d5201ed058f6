"""The page of a user's own account: display, password, sessions and tokens."""

from contextlib import AsyncExitStack
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.access import Permission
from app.domain.display import Display, Theme, TimeZone
from app.errors import Busy, InvalidFields, TooManyAttempts
from app.usecases import own_account, passwords, tokens
from app.web import token_form
from app.web.concurrency_limit import place
from app.web.dependencies import actor_of, deps
from app.web.login import PATIENCE, cookie_name
from app.web.role_descriptions import SCOPE_DESCRIPTIONS
from app.web.token_form import LIFETIMES, TokenForm
from app.web.tokens import show_secret
from app.web.user_agent import browser_of

#: Messages by the `done` parameter of the page's URL.
_DONE = {
    "display": "The display was changed.",
    "password": "The password was changed and your other sessions were ended.",
    "session": "The session was ended.",
    "sessions": "Your other sessions were ended.",
    "revoked": "The token is revoked.",
}
_THEMES = {
    Theme.AUTO: "as the system",
    Theme.LIGHT: "light",
    Theme.DARK: "dark",
}
_TIME_ZONES = {TimeZone.UTC: "UTC", TimeZone.BROWSER: "the time zone of the browser"}


def show(request: Request) -> Response:
    """Show the account of the user who is logged in."""
    return _page(request, 200)


def set_display(request: Request, form: FormData) -> Response:
    """Change the colours and the time zone."""
    try:
        display = Display(
            Theme(str(form.get("theme", ""))), TimeZone(str(form.get("time_zone", "")))
        )
    except ValueError:
        problems = {"theme": "choose the colours and a time zone"}
        return _page(request, 422, problems=problems)
    own_account.set_display(deps(request).store, actor_of(request), display)
    return _done("display")


async def change_password(request: Request, form: FormData) -> Response:
    """Change the password, with the present one."""
    async with AsyncExitStack() as held:
        try:
            places = deps(request).login_places
            await held.enter_async_context(place(places, "log in", PATIENCE))
        except Busy as error:
            problems = {"current": str(error)}
            return await run_in_threadpool(_page, request, 429, problems=problems)
        return await run_in_threadpool(_change_password, request, form)


def _change_password(request: Request, form: FormData) -> Response:
    new = str(form.get("password", ""))
    if new != str(form.get("again", "")):
        return _page(request, 422, problems={"again": "the passwords don't match"})
    try:
        own_account.change_password(
            deps(request).store,
            actor_of(request),
            str(form.get("current", "")),
            new,
            _secret(request),
        )
    except InvalidFields as error:
        return _page(request, 422, problems=error.problems)
    except TooManyAttempts as error:
        page = _page(request, 429, problems={"current": str(error)})
        page.headers["Retry-After"] = str(error.retry_after)
        return page
    return _done("password")


def end_session(request: Request) -> Response:
    """End one session of the user."""
    own_account.end_session(
        deps(request).store, actor_of(request), request.path_params["id"]
    )
    return _done("session")


def end_other_sessions(request: Request) -> Response:
    """End the user's sessions except this one."""
    own_account.end_other_sessions(
        deps(request).store, actor_of(request), _secret(request)
    )
    return _done("sessions")


def create_token(request: Request, form: FormData) -> Response:
    """Create a personal token, and show its secret once."""
    store, actor = deps(request).store, actor_of(request)
    sent = token_form.read(form)
    secret = token_form.create(
        sent,
        lambda ok: tokens.create_own_token(store, actor, ok.name, ok.scopes, ok.days),
    )
    if not secret:
        return _page(request, 422, token=sent)
    return show_secret(request, sent, secret, "/account")


def _page(
    request: Request,
    status_code: int,
    *,
    problems: dict[str, str] | None = None,
    token: TokenForm | None = None,
) -> Response:
    store, actor = deps(request).store, actor_of(request)
    shown: dict[str, Any] = {
        "sessions": own_account.list_sessions(store, actor, _secret(request)),
        "tokens": tokens.list_own_tokens(store, actor),
    }
    return deps(request).renderer.page(
        request,
        "account.html",
        status_code,
        **shown,
        themes=_THEMES,
        time_zones=_TIME_ZONES,
        browser_of=browser_of,
        permissions=[one for one in Permission if actor.may(one)],
        scope_descriptions=SCOPE_DESCRIPTIONS,
        lifetimes=list(LIFETIMES),
        sent=token or TokenForm(),
        problems=problems or {},
        shortest=passwords.MIN_LENGTH,
        done=_DONE.get(request.query_params.get("done", ""), ""),
    )


def _secret(request: Request) -> str:
    return request.cookies.get(cookie_name(deps(request).settings), "")


def _done(what: str) -> Response:
    return RedirectResponse(f"/account?done={what}", 303)
