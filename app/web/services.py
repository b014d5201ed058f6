"""Service pages: one service with its launch form, sync, launch, comparison."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from types import MappingProxyType
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.doctor import collect
from app.doctor.diagnosis import Report
from app.domain import variables
from app.domain.deployment import Deployment, Origin
from app.domain.options import as_texts, from_texts
from app.errors import (
    Conflict,
    Invalid,
    InvalidFields,
    KeyReused,
    NotFound,
)
from app.usecases import (
    comparison,
    deploy,
    host_key_views,
    project_views,
    revisions,
    run_credentials,
    services,
    trends,
)
from app.web import (
    chart,
    credential_fields,
    filters,
    forms,
    history,
    on_demand,
    option_fields,
    request_key,
    revision_field,
    second_entry,
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
    service = services.find_service(
        deps(request).store, request.path_params["name"]
    ).service
    sent = forms.recorded(service, again.variables) if service and again else {}
    options = as_texts(again.options) if again else {}
    return _page(
        request,
        sent=sent,
        ref=again.commit if again else "",
        options=options,
        status_code=status_code,
        again=again,
    )


async def examine(request: Request) -> Response:
    """Show one service with the doctor's findings on this host."""
    found = await report(request)
    return await run_in_threadpool(partial(_page, request, sent={}, report=found))


async def choices(request: Request) -> Response:
    """Return the hosts, groups and tags that a launch can choose from, as JSON."""
    return JSONResponse(asdict(await on_demand.choices(request)))


def launch(request: Request, form: FormData) -> Response:
    """Launch a deployment and redirect to its page, or show the form with errors."""
    name = request.path_params["name"]
    store = deps(request).store
    service = services.find_service(store, name).service
    ref = str(form.get("ref", "")).strip()
    sent = forms.values(service, form) if service else {}
    chosen = option_fields.values(service, form) if service else {}
    show = partial(_page, request, sent=sent, ref=ref, options=chosen, status_code=422)
    try:
        options = from_texts(chosen)
    except InvalidFields as error:
        return show(wrong_options=error.problems)
    key = request_key.of_form(request, form)
    try:
        if (repeated := request_key.find_earlier(request, key)) is not None:
            return RedirectResponse(f"/deployments/{repeated}", 303)
        revision = revisions.choose(
            deps(request).settings, deps(request).git.of, name, ref
        )
        if revision is not None:
            # The variables may be others at this commit.
            service = revision.service
        if service and (
            different := second_entry.problems(service, form, forms.PREFIX)
        ):
            return show(problems=different)
        deployment_id = deploy.launch(
            store,
            deps(request).queue,
            deps(request).secret_box,
            actor=actor_of(request),
            origin=Origin.BROWSER,
            service_name=name,
            given=variables.from_text(service, sent) if service else {},
            options=options,
            revision=revision,
            credentials=credential_fields.values(form),
            run_as=deps(request).settings.run_as,
            idempotency_key=key,
        )
    except InvalidFields as error:
        return show(problems=error.problems)
    except KeyReused as error:
        return show(launched=error.deployment_id)
    except (Conflict, Invalid) as error:
        if not ref:
            raise
        return show(wrong_ref=str(error))
    return RedirectResponse(f"/deployments/{deployment_id}", 303)


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


def _page(
    request: Request,
    *,
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
) -> Response:
    store = deps(request).store
    name = request.path_params["name"]
    entry = services.find_service(store, name)
    service = entry.service
    asked = run_credentials.asked_of(store, service) if service else []
    asked_fields = credential_fields.of_launch(asked, problems)
    known = {
        *(service.properties if service else ()),
        *(f.name for f in asked_fields),
    }
    run_as = deps(request).settings.run_as
    trend = trends.look(store, name)
    return deps(request).renderer.page(
        request,
        "services/show.html",
        status_code,
        entry=entry,
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
        registered=collect.run_identity(deps(request).settings, service)
        if service
        else None,
        host_keys=host_key_views.look(store, deps(request).settings, name, service)
        if service and service.playbook and not service.project
        else None,
        nodes=services.nodes_of(store, entry.id),
        owed=services.owed_handlers_of(store, entry.id),
        environments=project_views.environments_of(store, name),
        trend=trend,
        chart=chart.of_trend(trend),
        **history.listed(request, name),
    )
