"""The page of a login that asks for the second factor: a code or a passkey."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import InvalidFields, NotLoggedIn, TooManyAttempts
from app.store.sessions import Origin
from app.usecases import second_step
from app.web.dependencies import deps
from app.web.login import (
    PASSKEY_PATH,
    STEP_PATH,
    address_of,
    cookie_name,
    local_path,
    logged_in,
    step_cookie_name,
)


def show(request: Request) -> Response:
    """Ask for the second factor, or lead to the login page if no login waits."""
    wanted = local_path(request.query_params.get("next", "/"))
    return _page(request, 200, wanted)


def submit(request: Request, form: FormData) -> Response:
    """Check the code, start the session and redirect to the requested page."""
    return _finish(
        request,
        form,
        lambda origin, lifetime, former: second_step.finish(
            deps(request).store,
            deps(request).secret_box,
            _step(request),
            str(form.get("code", "")),
            origin,
            lifetime,
            time.time(),
            former,
        ),
    )


def submit_passkey(request: Request, form: FormData) -> Response:
    """Check the passkey, start the session and redirect to the requested page."""
    return _finish(
        request,
        form,
        lambda origin, lifetime, former: second_step.finish_with_passkey(
            deps(request).store,
            deps(request).settings.passkey_site,
            _step(request),
            str(form.get("passkey", "")),
            origin,
            lifetime,
            former,
        ),
    )


def _finish(
    request: Request,
    form: FormData,
    check: Callable[[Origin, timedelta, str | None], str],
) -> Response:
    """Call what checks the factor; show its problem, or redirect with the session."""
    wanted = local_path(str(form.get("next", "/")))
    settings = deps(request).settings
    try:
        secret = check(
            Origin(address_of(request), request.headers.get("user-agent", "")),
            timedelta(hours=settings.session_hours),
            request.cookies.get(cookie_name(settings)),
        )
    except InvalidFields as error:
        return _page(request, 401, wanted, error.problems)
    except NotLoggedIn:
        return RedirectResponse("/login?ended=1", 303)
    except TooManyAttempts as error:
        page = _page(request, 429, wanted, {"code": str(error)})
        page.headers["Retry-After"] = str(error.retry_after)
        return page
    response = logged_in(request, secret, wanted)
    response.delete_cookie(
        step_cookie_name(settings), httponly=True, secure=settings.secure_cookies
    )
    return response


def _step(request: Request) -> str:
    return request.cookies.get(step_cookie_name(deps(request).settings), "")


def _page(
    request: Request,
    status_code: int,
    wanted: str,
    problems: Mapping[str, str] | None = None,
) -> Response:
    site = deps(request).settings.passkey_site
    awaited = second_step.find(deps(request).store, site, _step(request))
    if awaited is None:
        return RedirectResponse("/login", 303)
    return deps(request).renderer.page(
        request, "login_code.html", status_code,
        next=wanted, problems=problems or {}, awaited=awaited, action=STEP_PATH,
        passkey_action=PASSKEY_PATH,
    )  # fmt: skip
