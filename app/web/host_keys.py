"""Pages that accept and remove host keys, and their API."""

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.errors import Invalid
from app.usecases import deploy, git_host_keys, host_keys, services
from app.web import paging
from app.web.dependencies import actor_of, deps
from app.web.host_key_bodies import AddHostKeysRequest, host_key_body
from app.web.query import INTEGER


def show(request: Request) -> Response:
    """Show the host keys that ssh refused in a run, to be compared and accepted."""
    store = deps(request).store
    deployment = deploy.find(store, request.path_params["id"])
    scope = host_keys.scope_of(deployment.service_name)
    accepted = {each.key for each in host_keys.list_keys(store, scope)}
    return deps(request).renderer.page(
        request,
        "deployments/host_keys.html",
        deployment=deployment,
        scope=scope,
        refused=host_keys.refused(store, deployment),
        accepted=accepted,
    )


def accept(request: Request, form: FormData) -> Response:
    """Accept a host key and redirect to the page that lists it."""
    number = str(form.get("number", ""))
    if not number.isdecimal() or int(number[:11]) > INTEGER:
        raise Invalid("the form names no event; open the deployment again")
    deployment_id = request.path_params["id"]
    host_keys.accept(
        deps(request).store,
        actor_of(request),
        deployment_id,
        int(number),
        str(form.get("fingerprint", "")),
    )
    return RedirectResponse(f"/deployments/{deployment_id}/host-keys", 303)


def accept_of_git_server(request: Request, form: FormData) -> Response:
    """Accept the host key of a git server and redirect to the page of its project."""
    name = request.path_params["name"]
    git_host_keys.accept(
        deps(request).store,
        deps(request).settings,
        actor_of(request),
        name,
        str(form.get("fingerprint", "")),
    )
    return RedirectResponse(f"/projects/{name}?done=accepted#host-keys", 303)


def remove(request: Request) -> Response:
    """Remove an accepted key and redirect to the page of its project or service."""
    store = deps(request).store
    removed = host_keys.remove(store, actor_of(request), request.path_params["id"])
    is_service = removed.scope in services.names(store)
    page = "services" if is_service else "projects"
    return RedirectResponse(f"/{page}/{removed.scope}#host-keys", 303)


def list_keys(request: Request) -> Response:
    """GET /api/v1/host-keys?scope=…."""
    scope = request.query_params.get("scope")
    listed = host_keys.list_keys(deps(request).store, scope)
    return paging.by_id(request, listed, lambda key: key.id, host_key_body)


async def add(request: Request) -> Response:
    """POST /api/v1/host-keys: 201 with all keys of the scope."""
    body = await run_in_threadpool(_add, request, await request.body())
    return JSONResponse(body, 201)


def delete(request: Request) -> Response:
    """DELETE /api/v1/host-keys/{id}: the removed key."""
    key_id = request.path_params["id"]
    removed = host_keys.remove(deps(request).store, actor_of(request), key_id)
    return JSONResponse(host_key_body(removed).model_dump(mode="json"))


def _add(request: Request, content: bytes) -> list[dict[str, object]]:
    asked = AddHostKeysRequest.model_validate_json(content)
    store = deps(request).store
    host_keys.add(store, actor_of(request), asked.scope, asked.known_hosts)
    listed = host_keys.list_keys(store, asked.scope)
    return [host_key_body(key).model_dump(mode="json") for key in listed]
