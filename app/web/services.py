"""Service pages: one service with its launch form, sync, launch, comparison."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from types import MappingProxyType
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.doctor import collect
from app.doctor.diagnosis import Report
from app.domain.deployment import Deployment
from app.domain.options import as_texts
from app.errors import (
    NotFound,
)
from app.usecases import (
    comparison,
    deploy,
    host_key_views,
    last_values,
    revisions,
    run_credentials,
    service_page,
    services,
)
from app.usecases.service_page import ServicePage
from app.web import (
    chart,
    credential_fields,
    filters,
    forms,
    history,
    on_demand,
    option_fields,
    revision_field,
)
from app.web.dependencies import actor_of, deps
from app.web.on_demand import report
from app.web.query import BIGINT, number


def sync(request: Request) -> Response:
    """Read the services folder."""
    settings = deps(request).settings
    found = services.sync_everywhere(
        deps(request).store,
        settings.services,
        settings.var,
        settings.node,
        actor_of(request),
        settings.run_as,
        reach=deps(request).git.of,
        box=lambda: deps(request).secret_box,
    )
    said = f"{len(found.valid)} valid, {len(found.invalid)} invalid"
    if found.archived:
        said += f", archived: {', '.join(found.archived)}"
    if found.warnings:
        first = list(found.warnings.values())[:3]
        said += f"; {'; '.join(first)}{' …' if len(found.warnings) > 3 else ''}"
    return RedirectResponse(f"/?synced={quote(said)}", 303)


def show(request: Request) -> Response:
    """Show one service with its launch form and its history."""
    tidied = history.tidy(request)
    if tidied is not None:
        return tidied
    asked = filters.read(request.query_params)
    status_code = 422 if asked.problems else 200
    again = _again(request)
    remembered = None if again else _remembered(request)
    shown = again or remembered
    found = service_page.look(deps(request).store, request.path_params["name"])
    service = found.entry.service
    sent = forms.recorded(service, shown.variables) if service and shown else {}
    options = again.options if again else remembered and remembered.options.remembered
    return page(
        request,
        found=found,
        sent=sent,
        ref=again.commit if again else "",
        options=as_texts(options) if options else {},
        status_code=status_code,
        again=again,
        remembered=remembered,
    )


async def examine(request: Request) -> Response:
    """Show one service with the doctor's findings on this host."""
    found = await report(request)
    return await run_in_threadpool(partial(page, request, sent={}, report=found))


async def choices(request: Request) -> Response:
    """Return the hosts, groups and tags that a launch can choose from, as JSON."""
    return JSONResponse(asdict(await on_demand.choices(request)))


def compare(request: Request) -> Response:
    """Show two deployments of a service side by side."""
    compared = comparison.look(
        deps(request).store,
        request.path_params["name"],
        number(request.query_params, "a", most=BIGINT),
        number(request.query_params, "b", most=BIGINT) or 0,
    )
    return deps(request).renderer.page(
        request, "services/compare.html", compared=compared, most=comparison.CHANGES
    )


def _again(request: Request) -> Deployment | None:
    """Return the deployment whose variables the form shows. Raises NotFound."""
    asked = number(request.query_params, "again", most=BIGINT)
    if asked is None:
        return None
    found = deploy.find(deps(request).store, asked)
    name = request.path_params["name"]
    if found.service_name != name:
        raise NotFound(f"deployment {asked} of service {name} not found")
    return found


def _remembered(request: Request) -> Deployment | None:
    """Return the deployment whose values the form repeats; None for the defaults."""
    if request.query_params.get("values") == "defaults":
        return None
    return last_values.last_launch(
        deps(request).store, actor_of(request), request.path_params["name"]
    )


def page(
    request: Request,
    *,
    found: ServicePage | None = None,
    sent: Mapping[str, str],
    ref: str = "",
    wrong_ref: str = "",
    options: Mapping[str, str] = MappingProxyType({}),
    wrong_options: Mapping[str, str] = MappingProxyType({}),
    problems: Mapping[str, str] = MappingProxyType({}),
    launched: int | None = None,
    status_code: int = 200,
    report: Report | None = None,
    again: Deployment | None = None,
    remembered: Deployment | None = None,
) -> Response:
    """Show one service with its launch form.

    Args:
        request: The request.
        found: What the store has about it, if the caller has read it.
        sent: The values of its launch variables, as texts.
        ref: The revision of its project.
        wrong_ref: The error in it.
        options: The options of ansible-playbook, as texts.
        wrong_options: The errors in them, by option.
        problems: The other errors in a submitted form, by name.
        launched: The deployment that the submitted form has already launched.
        status_code: The status of the response.
        report: The doctor's findings on this host.
        again: The deployment that is launched again.
        remembered: The last deployment of the person, whose values the form has.
    """
    store = deps(request).store
    name = request.path_params["name"]
    found = found or service_page.look(store, name)
    service = found.entry.service
    asked = run_credentials.asked_of(store, service) if service else []
    asked_fields = credential_fields.of_launch(asked, problems)
    known = {
        *(service.properties if service else ()),
        *(f.name for f in asked_fields),
    }
    run_as = deps(request).settings.run_as
    return deps(request).renderer.page(
        request,
        "services/show.html",
        status_code,
        entry=found.entry,
        service=service,
        fields=forms.fields(service, sent, problems) if service else [],
        credentials=asked_fields,
        credential_warnings=run_credentials.warnings(store, service, run_as)
        if service
        else [],
        options=option_fields.fields(service, options, wrong_options)
        if service
        else [],
        revision=revision_field.field(
            revisions.refs(deps(request).settings, service), ref, wrong_ref
        )
        if service and service.project and service.project.git
        else None,
        problem="; ".join(
            f"{n}: {p}" if n else p for n, p in problems.items() if n not in known
        ),
        idempotency_key=forms.new_key(),
        launched=launched,
        report=report,
        again=again,
        remembered=remembered,
        registered=collect.run_identity(deps(request).settings, service)
        if service
        else None,
        host_keys=host_key_views.look(store, deps(request).settings, name, service)
        if service and service.playbook and not service.project
        else None,
        nodes=found.nodes,
        owed=found.owed,
        environments=found.environments,
        trend=found.trend,
        chart=chart.of_trend(found.trend),
        **history.listed(request, name),
    )
