"""The page on which a launch is confirmed.

It carries the submitted form, encrypted: what is confirmed is what is launched, and
secrets need not be entered again.
"""

import hashlib
import time
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from app.domain.service import Service
from app.errors import BadSetting, Invalid
from app.usecases import launch_summary
from app.usecases.confirmation import ConfirmationNeeded
from app.web import forms
from app.web.dependencies import actor_of, deps

#: Seconds for which a summary can be confirmed; then it is shown again.
MAX_AGE = 1800
_FIELD, _CHANGE = "confirmation", "change"
#: The fields that belong to one page.
_OF_A_PAGE = frozenset({"csrf_token", "idempotency_key"})


@dataclass(frozen=True, slots=True)
class SentLaunch:
    """A submitted launch: of the launch form, or confirmed on the page after it."""

    form: FormData
    #: Whether the person wants to change the values instead.
    changes: bool = False
    #: The digest of the service as the summary showed it; empty if nothing is
    #: confirmed.
    service_digest: str = ""

    def confirms(self, service: Service | None) -> bool:
        """Return whether it confirms a launch of the service as it is defined now."""
        return service is not None and self.service_digest == _digest(service)


def read(request: Request, form: FormData) -> SentLaunch:
    """Return the launch in a submitted form. Raises Invalid for a forged one."""
    sealed = form.get(_FIELD)
    if not isinstance(sealed, str):
        return SentLaunch(form)
    try:
        content = deps(request).secret_box.open(sealed.encode())
    except BadSetting:
        content = {}
    if content.get("for") != _purpose(request):
        raise Invalid("this confirmation isn't valid; launch the service again")
    fresh = time.time() - content["at"] < MAX_AGE
    return SentLaunch(
        FormData([(name, value) for name, value in content["fields"]]),
        changes=_CHANGE in form,
        service_digest=content["service"] if fresh else "",
    )


def page(
    request: Request, sent: SentLaunch, needed: ConfirmationNeeded, change: str = ""
) -> Response:
    """Show what a launch will do, with the button that launches it.

    `change` is the page that shows the values again; by default, this form does.
    """
    summary = launch_summary.summarize(
        deps(request).store, deps(request).settings, needed
    )
    content = {
        "for": _purpose(request),
        "at": time.time(),
        "service": _digest(needed.wanted.service),
        "fields": [
            [name, str(value)]
            for name, value in sent.form.multi_items()
            if name not in _OF_A_PAGE
        ],
    }
    sealed = deps(request).secret_box.seal(content)
    assert sealed is not None, "the content isn't empty"
    return deps(request).renderer.page(
        request,
        "services/confirm.html",
        summary=summary,
        confirmation=sealed.decode(),
        shown_again=bool(sent.service_digest),
        change=change,
        idempotency_key=forms.new_key(),
    )


def _purpose(request: Request) -> list[str]:
    """Return what a confirmation is for: it is valid nowhere else."""
    return ["launch", actor_of(request).key_owner, request.url.path]


def _digest(service: Service) -> str:
    return hashlib.sha256(service.model_dump_json().encode()).hexdigest()
