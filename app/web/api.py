"""The JSON API, with the same actions as the pages, for scripts and Ansible roles."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.domain.deployment import Origin
from app.usecases import (
    approvals,
    artifacts,
    deploy,
    history,
    nodes,
    results,
    revisions,
    run_credentials,
    services,
    timing,
)
from app.usecases.cancel import cancel as cancel_deployment
from app.web import filters, paging, request_key
from app.web.dependencies import actor_of, deps
from app.web.history import PAGE, before
from app.web.launch_form_body import LaunchFormBody
from app.web.on_demand import report, with_artifacts
from app.web.response_bodies import (
    deployment_body,
    deployment_detail_body,
    node_body,
    report_body,
    service_body,
)
from app.web.schemas import ArtifactBody, LaunchRequest, SyncBody
from app.web.timing_bodies import timing_body

#: How the header User-Agent of the command line begins.
COMMAND_LINE = "fastdeploy/"


def list_services(request: Request) -> Response:
    """GET /api/v1/services."""
    listed = services.list_services(deps(request).store)
    return paging.by_name(request, listed, lambda one: one.entry.name, service_body)


def show_launch_form(request: Request) -> Response:
    """GET /api/v1/services/{name}/launch-form?ref=…."""
    store, name = deps(request).store, request.path_params["name"]
    entry = deploy.find_registered(store, name)
    revision = revisions.choose(
        deps(request).settings,
        deps(request).git.of,
        name,
        request.query_params.get("ref", ""),
    )
    service = revision.service if revision else deploy.valid(entry)
    body = LaunchFormBody(
        variables=service.shown_variables,
        options=list(service.options),
        credentials=run_credentials.asked_of(store, service),
        confirm=service.confirm,
    )
    return JSONResponse(body.model_dump(mode="json"))


def sync(request: Request) -> Response:
    """POST /api/v1/services/sync."""
    settings = deps(request).settings
    result = services.sync_everywhere(
        deps(request).store,
        settings.services,
        settings.var,
        settings.node,
        actor_of(request),
        settings.run_as,
        reach=deps(request).git.of,
        box=lambda: deps(request).secret_box,
    )
    body = SyncBody(
        valid=list(result.valid),
        invalid=result.invalid,
        archived=list(result.archived),
        warnings=result.warnings,
    )
    return JSONResponse(body.model_dump())


async def examine(request: Request) -> Response:
    """GET /api/v1/services/{name}/doctor."""
    return JSONResponse(report_body(await report(request)).model_dump())


async def launch(request: Request) -> Response:
    """POST /api/v1/deployments: 201 with the deployment."""
    # In a thread: parsing the largest body would block other requests for too long.
    body = await run_in_threadpool(_launch, request, await request.body())
    return JSONResponse(
        body, 201, headers={"Location": f"/api/v1/deployments/{body['id']}"}
    )


def list_nodes(request: Request) -> Response:
    """GET /api/v1/nodes."""
    listed = nodes.list_nodes(deps(request).store)
    return JSONResponse([node_body(node).model_dump(mode="json") for node in listed])


def list_deployments(request: Request) -> Response:
    """GET /api/v1/deployments?service=&status=&…&before=ID: newest first."""
    history_filter = filters.require_valid(request.query_params)
    page = history.views(
        deps(request).store, history_filter.wanted, before=before(request), limit=PAGE
    )
    bodies = [deployment_body(v).model_dump(mode="json") for v in page.items]
    headers = {}
    if page.before is not None:
        following = history_filter.link(request.url.path, before=page.before)
        headers["Link"] = f'<{following}>; rel="next"'
    return JSONResponse(bodies, headers=headers)


def show(request: Request) -> Response:
    """GET /api/v1/deployments/{id}."""
    return JSONResponse(deployment_content(request, request.path_params["id"]))


def show_timing(request: Request) -> Response:
    """GET /api/v1/deployments/{id}/timing."""
    spent = timing.look(deps(request).store, request.path_params["id"])
    return JSONResponse(timing_body(spent).model_dump())


def cancel(request: Request) -> Response:
    """POST /api/v1/deployments/{id}/cancel: 202 with the deployment."""
    number = request.path_params["id"]
    cancel_deployment(
        deps(request).store, deps(request).queue, actor_of(request), number
    )
    return JSONResponse(deployment_content(request, number), 202)


@with_artifacts
def list_artifacts(request: Request) -> Response:
    """GET /api/v1/deployments/{id}/artifacts: path and size in bytes of each file."""
    store, settings = deps(request).store, deps(request).settings
    view = deploy.view(store, request.path_params["id"])
    files = artifacts.listing(store, settings, view.deployment)
    bodies = [ArtifactBody(path=path, size=size) for path, size in files]
    return JSONResponse([body.model_dump() for body in bodies])


def deployment_content(request: Request, number: int) -> dict[str, object]:
    """Return the detailed body of a deployment."""
    store = deps(request).store
    view = deploy.view(store, number)
    summary = results.summary_of(store, number)
    approval = approvals.find_approval(store, number)
    return deployment_detail_body(view, summary, approval).model_dump(mode="json")


def origin_of(request: Request) -> Origin:
    """Return whether the command line made a request, or another program.

    It is information for people, not for permissions: each client names itself.
    """
    by_command = request.headers.get("user-agent", "").startswith(COMMAND_LINE)
    return Origin.CLI if by_command else Origin.API


def _launch(request: Request, content: bytes) -> dict[str, object]:
    launch_request = LaunchRequest.model_validate_json(content)
    key = request_key.of_header(request, content)
    if (repeated := request_key.find_earlier(request, key)) is not None:
        return deployment_content(request, repeated)
    # The repository isn't looked at for a service that the actor may not see.
    services.find_service(deps(request).store, launch_request.service)
    revision = revisions.choose(
        deps(request).settings,
        deps(request).git.of,
        launch_request.service,
        launch_request.ref,
    )
    deployment_id = deploy.launch(
        deps(request).store,
        deps(request).queue,
        deps(request).secret_box,
        actor=actor_of(request),
        origin=origin_of(request),
        service_name=launch_request.service,
        given=launch_request.variables,
        options=launch_request.options,
        revision=revision,
        credentials={
            reference: {name: text.get_secret_value() for name, text in value.items()}
            for reference, value in launch_request.credentials.items()
        },
        run_as=deps(request).settings.run_as,
        idempotency_key=key,
        priority=launch_request.priority,
        confirmed=launch_request.confirm,
    )
    return deployment_content(request, deployment_id)
