"""The JSON API, with the same actions as the pages, for scripts and Ansible roles."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.domain.deployment import Origin
from app.usecases import artifacts, deploy, history, nodes, results, services
from app.usecases.cancel import cancel as cancel_deployment
from app.web import filters, schemas
from app.web.dependencies import actor_of, deps
from app.web.history import PAGE, before
from app.web.on_demand import report, with_artifacts
from app.web.schemas import LaunchRequest, SyncBody

#: The header with the idempotency key.
IDEMPOTENCY_KEY = "idempotency-key"


def list_services(request: Request) -> Response:
    """GET /api/services."""
    listed = services.list_services(deps(request).store)
    return JSONResponse([schemas.service(s).model_dump(mode="json") for s in listed])


def sync(request: Request) -> Response:
    """POST /api/services/sync."""
    settings = deps(request).settings
    found = services.sync_everywhere(
        deps(request).store, settings.services, settings.node, actor_of(request)
    )
    body = SyncBody(
        valid=list(found.valid), invalid=found.invalid, archived=list(found.archived)
    )
    return JSONResponse(body.model_dump())


async def examine(request: Request) -> Response:
    """GET /api/services/{name}/doctor."""
    found = await report(request)
    return JSONResponse(schemas.report(found).model_dump())


async def launch(request: Request) -> Response:
    """POST /api/deployments: 201 with the deployment."""
    # In a thread: parsing the largest body would block other requests for too long.
    body = await run_in_threadpool(_launch, request, await request.body())
    return JSONResponse(
        body, 201, headers={"Location": f"/api/deployments/{body['id']}"}
    )


def list_nodes(request: Request) -> Response:
    """GET /api/nodes."""
    found = nodes.list_nodes(deps(request).store)
    return JSONResponse([schemas.node(node).model_dump(mode="json") for node in found])


def list_deployments(request: Request) -> Response:
    """GET /api/deployments?service=&status=&…&before=ID: newest first."""
    asked = filters.require_valid(request.query_params)
    page = history.views(
        deps(request).store, asked.wanted, before=before(request), limit=PAGE
    )
    found = [schemas.deployment(v).model_dump(mode="json") for v in page.items]
    headers = {}
    if page.before is not None:
        following = asked.link(request.url.path, before=page.before)
        headers["Link"] = f'<{following}>; rel="next"'
    return JSONResponse(found, headers=headers)


def show(request: Request) -> Response:
    """GET /api/deployments/{id}."""
    return JSONResponse(_one(request, request.path_params["id"]))


def cancel(request: Request) -> Response:
    """POST /api/deployments/{id}/cancel: 202 with the deployment."""
    number = request.path_params["id"]
    cancel_deployment(
        deps(request).store, deps(request).queue, actor_of(request), number
    )
    return JSONResponse(_one(request, number), 202)


def retry(request: Request) -> Response:
    """POST /api/deployments/{id}/retry: 201 with the new deployment."""
    number = deploy.retry(
        deps(request).store,
        deps(request).queue,
        deps(request).secret_box,
        actor=actor_of(request),
        origin=Origin.API,
        deployment_id=request.path_params["id"],
        idempotency_key=request.headers.get(IDEMPOTENCY_KEY),
    )
    return JSONResponse(
        _one(request, number), 201, headers={"Location": f"/api/deployments/{number}"}
    )


@with_artifacts
def list_artifacts(request: Request) -> Response:
    """GET /api/deployments/{id}/artifacts: path and size in bytes of each file."""
    store, settings = deps(request).store, deps(request).settings
    view = deploy.view(store, request.path_params["id"])
    found = artifacts.listing(store, settings, view.deployment)
    listed = [schemas.ArtifactBody(path=path, size=size) for path, size in found]
    return JSONResponse([of.model_dump() for of in listed])


def _one(request: Request, number: int) -> dict[str, object]:
    """Return the detailed body of a deployment."""
    store = deps(request).store
    view = deploy.view(store, number)
    summary = results.summary_of(store, number)
    return schemas.detail(view, summary).model_dump(mode="json")


def _launch(request: Request, content: bytes) -> dict[str, object]:
    asked = LaunchRequest.model_validate_json(content)
    deployment_id = deploy.launch(
        deps(request).store,
        deps(request).queue,
        deps(request).secret_box,
        actor=actor_of(request),
        origin=Origin.API,
        service_name=asked.service,
        given=asked.variables,
        options=asked.options,
        idempotency_key=request.headers.get(IDEMPOTENCY_KEY),
        priority=asked.priority,
    )
    return _one(request, deployment_id)
