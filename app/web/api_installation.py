"""The API of the installation: settings, doctor, environments, one service, nodes."""

from dataclasses import asdict
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.doctor import diagnosis
from app.errors import NotFound
from app.setting_rows import shown
from app.usecases import nodes, project_views, services
from app.web import on_demand, paging
from app.web.dependencies import actor_of, deps
from app.web.installation_bodies import (
    ChoicesBody,
    EnvironmentOfProjectBody,
    RemovedNodeBody,
    environment_bodies,
    setting_body,
)
from app.web.response_bodies import report_body, service_body


def list_settings(request: Request) -> Response:
    """GET /api/v1/settings."""
    bodies = [setting_body(row).model_dump() for row in shown(deps(request).settings)]
    return JSONResponse(bodies)


async def examine(request: Request) -> Response:
    """GET /api/v1/doctor."""
    found = deps(request)
    look = partial(diagnosis.examine, found.store, found.settings)
    report = await found.single_flight.run(("doctor",), look)
    return JSONResponse(report_body(report).model_dump())


def list_environments(request: Request) -> Response:
    """GET /api/v1/environments."""
    store, folder = deps(request).store, deps(request).settings.services
    found = [
        body
        for project in project_views.list_projects(store, folder)
        for body in environment_bodies(project)
    ]
    return paging.by_name(request, found, _place, lambda body: body)


def show_service(request: Request) -> Response:
    """GET /api/v1/services/{name}."""
    found = services.summary_of(deps(request).store, request.path_params["name"])
    return JSONResponse(service_body(found).model_dump(mode="json"))


async def list_choices(request: Request) -> Response:
    """GET /api/v1/services/{name}/choices."""
    body = ChoicesBody(**asdict(await on_demand.choices(request)))
    return JSONResponse(body.model_dump())


def remove_node(request: Request) -> Response:
    """DELETE /api/v1/nodes/{name}; the name may have slashes."""
    name = request.path_params["name"]
    if "\0" in name:
        raise NotFound("there is no node with this name")
    ended = nodes.forget(deps(request).store, deps(request).queue,
                         actor_of(request), name)  # fmt: skip
    body = RemovedNodeBody(name=name, failed_deployments=ended)
    return JSONResponse(body.model_dump())


def _place(body: EnvironmentOfProjectBody) -> str:
    return f"{body.project}@{body.name}"
