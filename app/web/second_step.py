"""The page of a login that asks for the code of the second factor."""

import time
from datetime import timedelta

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import InvalidFields, NotLoggedIn, TooManyAttempts
from app.store.sessions import Origin
from app.usecases import second_step
from app.web.dependencies import deps
from app.web.login import (
    STEP_PATH,
    address_of,
    cookie_name,
    local_path,
    logged_in,
    step_cookie_name,
)


def show(request: Request) -> Response:
    """Ask for the code, or lead to the login page if no login waits for one."""
    wanted = local_path(request.query_params.get("next", "/"))
    if not second_step.is_awaited(deps(request).store, _step(request)):
        return RedirectResponse("/login", 303)
    return _page(request, 200, wanted)


def submit(request: Request, form: FormData) -> Response:
    """Check the code, start the session and redirect to the requested page."""
    wanted = local_path(str(form.get("next", "/")))
    settings = deps(request).settings
    agent = request.headers.get("user-agent", "")
    try:
        secret = second_step.finish(
            deps(request).store,
            deps(request).secret_box,
            _step(request),
            str(form.get("code", "")),
            Origin(address_of(request), agent),
            timedelta(hours=settings.session_hours),
            time.time(),
            request.cookies.get(cookie_name(settings)),
        )
    except InvalidFields as error:
        return _page(request, 401, wanted, error.problems["code"])
    except NotLoggedIn:
        return RedirectResponse("/login?ended=1", 303)
    except TooManyAttempts as error:
        page = _page(request, 429, wanted, str(error))
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
    request: Request, status_code: int, wanted: str, problem: str = ""
) -> Response:
    return deps(request).renderer.page(
        request, "login_code.html", status_code,
        next=wanted, problem=problem, action=STEP_PATH,
    )  # fmt: skip
