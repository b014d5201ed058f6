"""Launch a service from its form."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain import variables
from app.domain.deployment import Origin
from app.domain.options import from_texts
from app.domain.service import Service
from app.errors import Conflict, Invalid, InvalidFields, KeyReused
from app.usecases import deploy, revisions, services
from app.usecases.confirmation import ConfirmationNeeded
from app.web import (
    credential_fields,
    forms,
    launch_confirmation,
    option_fields,
    request_key,
    second_entry,
)
from app.web.dependencies import actor_of, deps
from app.web.launch_confirmation import SentLaunch
from app.web.services import page


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of a launch form, as texts."""

    ref: str
    variables: Mapping[str, str]
    options: Mapping[str, str]

    @classmethod
    def of(cls, service: Service | None, form: FormData) -> "_Values":
        return cls(
            str(form.get("ref", "")).strip(),
            forms.values(service, form) if service else {},
            option_fields.values(service, form) if service else {},
        )


def launch(request: Request, form: FormData) -> Response:
    """Launch a deployment and redirect to its page.

    Show the form with errors if it is invalid, and what the launch will do if it has to
    be confirmed.
    """
    sent = launch_confirmation.read(request, form)
    service = services.find_service(
        deps(request).store, request.path_params["name"]
    ).service
    values = _Values.of(service, sent.form)
    show = partial(page, request, sent=values.variables, ref=values.ref,
                   options=values.options)  # fmt: skip
    if sent.changes:
        return show()
    show = partial(show, status_code=422)
    try:
        number = _launch(request, form, sent, service, values)
    except ConfirmationNeeded as needed:
        return launch_confirmation.page(request, sent, needed)
    except _InvalidOptions as error:
        return show(wrong_options=error.problems)
    except InvalidFields as error:
        return show(problems=error.problems)
    except KeyReused as error:
        return show(launched=error.deployment_id)
    except (Conflict, Invalid) as error:
        if not values.ref:
            raise
        return show(wrong_ref=str(error))
    return RedirectResponse(f"/deployments/{number}", 303)


class _InvalidOptions(InvalidFields):
    """Options of ansible-playbook are invalid."""


def _launch(
    request: Request,
    form: FormData,
    sent: SentLaunch,
    service: Service | None,
    values: _Values,
) -> int:
    """Launch, unless this form has launched before; return the id."""
    try:
        options = from_texts(values.options)
    except InvalidFields as error:
        raise _InvalidOptions(error.problems) from None
    name = request.path_params["name"]
    key = request_key.of_form(request, form)
    if (repeated := request_key.find_earlier(request, key)) is not None:
        return repeated
    revision = revisions.choose(
        deps(request).settings, deps(request).git.of, name, values.ref
    )
    if revision is not None:
        # The variables may be others at this commit.
        service = revision.service
    if service and (
        different := second_entry.problems(service, sent.form, forms.PREFIX)
    ):
        raise InvalidFields(different)
    return deploy.launch(
        deps(request).store,
        deps(request).queue,
        deps(request).secret_box,
        actor=actor_of(request),
        origin=Origin.BROWSER,
        service_name=name,
        given=variables.from_text(service, values.variables) if service else {},
        options=options,
        revision=revision,
        credentials=credential_fields.values(sent.form),
        run_as=deps(request).settings.run_as,
        idempotency_key=key,
        confirmed=sent.confirms(service),
    )
