"""The forms with which users add and remove their passkeys."""

import time

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import InvalidFields
from app.usecases import passkeys
from app.web.dependencies import actor_of, deps
from app.web.login import SECOND_FACTOR_PATH
from app.web.second_factor import codes_page, factor_page, in_turn, session_of

#: The prefixes of the fields of the two forms on the page of the second factor.
_ADDED, _REMOVED = "passkey_", "removal_"


async def start(request: Request, form: FormData) -> Response:
    """Show the form that makes a passkey, after the password."""
    return await in_turn(request, lambda: _start(request, form), _ADDED)


def add(request: Request, form: FormData) -> Response:
    """Store what the browser has made, and show recovery codes once."""
    try:
        codes = passkeys.add(
            deps(request).store,
            deps(request).settings.passkey_site,
            actor_of(request),
            str(form.get("name", "")),
            str(form.get("passkey", "")),
            session_of(request),
        )
    except InvalidFields as error:
        problem = "; ".join(error.problems.values())
        return factor_page(request, 422, {"passkey": f"{problem}. Start again."})
    return codes_page(request, codes, "passkey")


async def remove(request: Request, form: FormData) -> Response:
    """Remove a passkey, with the password, and a code if it is the last factor."""
    return await in_turn(request, lambda: _remove(request, form), _REMOVED)


def _start(request: Request, form: FormData) -> Response:
    options = passkeys.start(
        deps(request).store,
        deps(request).settings.passkey_site,
        actor_of(request),
        str(form.get("current", "")),
        session_of(request),
    )
    return deps(request).renderer.page(
        request, "account/add_passkey.html", 201, options=options
    )


def _remove(request: Request, form: FormData) -> Response:
    passkeys.remove(
        deps(request).store,
        deps(request).secret_box,
        actor_of(request),
        _chosen(form),
        str(form.get("current", "")),
        str(form.get("code", "")),
        session_of(request),
        time.time(),
    )
    return RedirectResponse(f"{SECOND_FACTOR_PATH}?done=passkey-removed", 303)


def _chosen(form: FormData) -> int:
    """Return the id of the chosen passkey; 0, which none has, for anything else."""
    text = str(form.get("passkey", ""))
    return int(text) if text.isdecimal() and len(text) < 19 else 0
