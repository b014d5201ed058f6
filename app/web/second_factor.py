"""The pages on which users set up and remove their second factor."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import Busy, InvalidFields, TooManyAttempts
from app.usecases import second_factor
from app.web.concurrency_limit import place
from app.web.dependencies import actor_of, deps
from app.web.login import PATIENCE, SECOND_FACTOR_PATH, cookie_name

#: Messages by the `done` parameter of the page's URL.
_DONE = {
    "totp": "The app is set up and your other sessions were ended.",
    "removed": "The app was removed and your other sessions were ended.",
    "passkey": "The passkey was added and your other sessions were ended.",
    "passkey-removed": "The passkey was removed and your other sessions were ended.",
}


def show(request: Request) -> Response:
    """Show whether the user has a second factor, with the form to change that."""
    return factor_page(request, 200)


async def start(request: Request, form: FormData) -> Response:
    """Show a new secret once, with the form for its first code."""
    return await in_turn(request, lambda: _start(request, form))


async def remove(request: Request, form: FormData) -> Response:
    """Remove the second factor, with password and code."""
    return await in_turn(request, lambda: _remove(request, form))


def confirm(request: Request, form: FormData) -> Response:
    """Turn the second factor on, and show the recovery codes once."""
    try:
        codes = second_factor.confirm(
            deps(request).store,
            deps(request).secret_box,
            actor_of(request),
            str(form.get("code", "")),
            session_of(request),
            time.time(),
        )
    except InvalidFields as error:
        return _set_up_page(request, 422, problem=error.problems["code"])
    except TooManyAttempts as error:
        page = _set_up_page(request, 429, problem=str(error))
        page.headers["Retry-After"] = str(error.retry_after)
        return page
    return codes_page(request, codes, "totp")


def codes_page(request: Request, codes: list[str], done: str) -> Response:
    """Show new recovery codes once; without any, say that the factor is set up."""
    if not codes:
        return RedirectResponse(f"{SECOND_FACTOR_PATH}?done={done}", 303)
    return deps(request).renderer.page(
        request, "account/recovery_codes.html", 201, codes=codes
    )


def _start(request: Request, form: FormData) -> Response:
    secret = second_factor.start(
        deps(request).store,
        deps(request).secret_box,
        actor_of(request),
        str(form.get("current", "")),
    )
    return _set_up_page(request, 201, secret=secret)


def _remove(request: Request, form: FormData) -> Response:
    second_factor.remove(
        deps(request).store,
        deps(request).secret_box,
        actor_of(request),
        str(form.get("current", "")),
        str(form.get("code", "")),
        session_of(request),
        time.time(),
    )
    return RedirectResponse(f"{SECOND_FACTOR_PATH}?done=removed", 303)


async def in_turn(
    request: Request, act: Callable[[], Response], prefix: str = ""
) -> Response:
    """Call what checks a password, and show its problems on the page.

    `prefix` distinguishes the fields of the form from those of others on the page.
    """
    async with AsyncExitStack() as held:
        try:
            places = deps(request).login_places
            await held.enter_async_context(place(places, "log in", PATIENCE))
            return await run_in_threadpool(act)
        except Busy as error:
            problems, status_code, wait = {"current": str(error)}, 429, PATIENCE
        except TooManyAttempts as error:
            problems, status_code = {"current": str(error)}, 429
            wait = error.retry_after
        except InvalidFields as error:
            problems, status_code, wait = error.problems, 422, 0
    problems = {f"{prefix}{name}": problem for name, problem in problems.items()}
    page = await run_in_threadpool(factor_page, request, status_code, problems)
    if wait:
        page.headers["Retry-After"] = str(wait)
    return page


def factor_page(
    request: Request, status_code: int, problems: dict[str, str] | None = None
) -> Response:
    """Return the page, with the problem of each field."""
    return deps(request).renderer.page(
        request,
        "account/second_factor.html",
        status_code,
        factor=second_factor.find(deps(request).store, actor_of(request)),
        site=deps(request).settings.passkey_site,
        problems=problems or {},
        done=_DONE.get(request.query_params.get("done", ""), ""),
    )


def _set_up_page(
    request: Request, status_code: int, *, secret: str = "", problem: str = ""
) -> Response:
    return deps(request).renderer.page(
        request,
        "account/set_up_totp.html",
        status_code,
        secret=secret,
        code=_qr_code(request, secret) if secret else "",
        problem=problem,
    )


def _qr_code(request: Request, secret: str) -> Markup:
    """Return the QR code of a secret as SVG. segno makes all of its markup."""
    import pyotp  # noqa: PLC0415 - only this needs it
    import segno  # noqa: PLC0415 - only this needs it

    name = f"{actor_of(request).name}@{request.url.hostname}"
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="FastDeploy")
    made = segno.make(uri, error="m", micro=False)
    return Markup(made.svg_inline(scale=4, light="#fff", omitsize=False))  # noqa: S704 - no text of others is in it


def session_of(request: Request) -> str:
    """Return the secret of the session of a request."""
    return request.cookies.get(cookie_name(deps(request).settings), "")
