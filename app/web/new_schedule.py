"""The pages that create and change a schedule of a service, and its removal."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain import variables
from app.domain.options import as_texts, from_texts
from app.domain.schedule import Schedule
from app.domain.service import Service
from app.errors import Conflict, InvalidFields, NotFound
from app.usecases import schedule_changes, schedules, services
from app.web import forms, option_fields
from app.web.dependencies import actor_of, deps
from app.web.forms import Field

#: The fields of the form that are keys of a schedule.
_KEYS = (
    "name", "cron", "at", "timezone", "until", "missed", "overlap", "healthcheck_url",
    "not_during", "ref",
)  # fmt: skip
_START = {"cron": "0 3 * * *", "timezone": "UTC"}


def show(request: Request) -> Response:
    """Show the form for a schedule of a service."""
    service = _service(request, request.query_params.get("service", ""))
    return _page(request, service, _START)


def create(request: Request, form: FormData) -> Response:
    """Create a schedule, or show the form with its next instants or its errors."""
    service = _service(request, str(form.get("service", "")))

    def store(content: Mapping[str, Any]) -> int:
        return schedule_changes.create(
            deps(request).store,
            actor_of(request),
            service.name,
            content,
            deps(request).secret_box,
            deps(request).schedule_sources,
        )

    return _submit(request, service, form, store, "created")


def edit(request: Request) -> Response:
    """Show the form with a schedule that somebody created."""
    stored = schedules.find(deps(request).store, request.path_params["id"]).stored
    service = _service(request, stored.service_name)
    schedule = stored.schedule
    texts = {key: str(getattr(schedule, key)) for key in _KEYS}
    texts["not_during"] = "\n".join(schedule.not_during)
    sent = forms.recorded(service, schedule.variables)
    chosen = as_texts(schedule.options)
    return _page(request, service, texts, sent, chosen, schedule=schedule)


def change(request: Request, form: FormData) -> Response:
    """Change a schedule, or show the form with its next instants or its errors."""
    number = request.path_params["id"]
    stored = schedules.find(deps(request).store, number).stored

    def store(content: Mapping[str, Any]) -> int:
        kept: dict[str, Any] = {"environment": stored.schedule.environment}
        if form.get("remove_healthcheck"):
            kept["healthcheck_url"] = ""
        schedule_changes.replace(
            deps(request).store,
            actor_of(request),
            number,
            kept | dict(content),
            deps(request).secret_box,
            deps(request).schedule_sources,
        )
        return stored.id

    service = _service(request, stored.service_name)
    return _submit(request, service, form, store, "changed")


def _submit(
    request: Request,
    service: Service,
    form: FormData,
    store: Callable[[Mapping[str, Any]], int],
    done: str,
) -> Response:
    """Store a submitted schedule, or show the form with its instants or its errors."""
    texts = {key: str(form.get(key, "")).strip() for key in _KEYS}
    sent = forms.values(service, form)
    chosen = option_fields.values(service, form)
    try:
        content: dict[str, Any] = {key: text for key, text in texts.items() if text}
        content["not_during"] = texts["not_during"].splitlines()
        content |= _values(service, _given(service, sent, form), chosen)
        if form.get("action") == "preview":
            schedule = schedule_changes.check(service, content)
            return _page(request, service, texts, sent, chosen, schedule=schedule)
        number = store(content)
    except InvalidFields as error:
        return _page(request, service, texts, sent, chosen, problems=error.problems)
    except Conflict as error:
        problems = {"": str(error)}
        return _page(request, service, texts, sent, chosen, problems=problems)
    return RedirectResponse(f"/schedules/{number}?done={done}", 303)


def remove(request: Request) -> Response:
    """Remove a schedule that somebody created, and redirect to the list."""
    number = request.path_params["id"]
    schedule_changes.remove(deps(request).store, actor_of(request), number)
    return RedirectResponse("/schedules?done=removed", 303)


def _values(
    service: Service, sent: Mapping[str, str], chosen: Mapping[str, str]
) -> dict[str, Any]:
    """Return the variables and options of a schedule. Raises InvalidFields."""
    values: dict[str, Any] = {"variables": variables.from_text(service, sent)}
    if chosen:
        values["options"] = from_texts(chosen).model_dump(exclude_unset=True)
    return values


def _given(service: Service, sent: Mapping[str, str], form: FormData) -> dict[str, str]:
    """Return the variables of a form, without the secrets, which have no field.

    A secret that was sent anyway is kept, so that it is refused.
    """
    return {
        name: text
        for name, text in sent.items()
        if name not in service.secret_names or form.get(f"{forms.PREFIX}{name}")
    }


def _service(request: Request, name: str) -> Service:
    entry = services.find_service(deps(request).store, name)
    if entry.service is None or entry.error or entry.archived_at:
        raise NotFound(f"service {name!r} can't be launched: fix it first")
    return entry.service


def _page(
    request: Request,
    service: Service,
    texts: Mapping[str, str],
    sent: Mapping[str, str] = MappingProxyType({}),
    chosen: Mapping[str, str] = MappingProxyType({}),
    *,
    problems: Mapping[str, str] = MappingProxyType({}),
    schedule: Schedule | None = None,
) -> Response:
    own = {*_KEYS}
    coming = schedule.coming(datetime.now(UTC)) if schedule else []
    return deps(request).renderer.page(
        request,
        "schedules/new.html",
        422 if problems else 200,
        service=service,
        editing=request.path_params.get("id"),
        # A healthcheck URL is a secret, so the page doesn't repeat it.
        sent={key: texts.get(key, "") for key in _KEYS if key != "healthcheck_url"},
        has_healthcheck=bool(texts.get("healthcheck_url")),
        fields=[
            # It can be corrected later, so nothing is entered twice.
            replace(field, confirm="")
            for field in forms.fields(service, sent, {})
            if field.name.removeprefix(forms.PREFIX) not in service.secret_names
        ],
        options=_options(service, chosen),
        problems=problems,
        others={key: text for key, text in problems.items() if key not in own},
        schedule=schedule,
        coming=coming,
        frozen=schedules.frozen(deps(request).store, service.name, schedule, coming)
        if schedule
        else {},
    )


def _options(service: Service, chosen: Mapping[str, str]) -> list[Field]:
    """Return the fields of the options. Here, `check` has one in place of a button."""
    shown = option_fields.fields(service, chosen, {})
    if "check" not in service.options:
        return shown
    check = Field(
        name=f"{option_fields.PREFIX}check",
        label="Check",
        kind="checkbox",
        value="",
        help="Report what would change, without changing it.",
        checked=chosen.get("check") == "true",
    )
    return [check, *shown]
