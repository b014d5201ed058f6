"""The routes of the API for projects and the host keys that runs trust."""

from app.domain.access import Permission
from app.web import (
    api_parameters,
    api_projects,
    host_key_bodies,
    host_keys,
    project_bodies,
)
from app.web.guard import api_route
from app.web.operation import Operation

_VIEW, _ADMIN = Permission.VIEW, Permission.ADMIN

API = [
    api_route("GET", "/api/v1/projects", api_projects.list_projects, _VIEW, Operation(
        "projects", "List the projects with their environments and services.",
        list[project_bodies.ProjectBody], parameters=api_parameters.PAGE_BY_NAME,
    )),
    api_route("POST", "/api/v1/projects", api_projects.add, _ADMIN, Operation(
        "projects", "Add a repository on FastDeploy's host as a project.",
        project_bodies.AddedBody, status=201, also=(200,),
        body=project_bodies.AddRequest, errors=(409,),
        description="With `dry_run`, nothing is written and the status is 200.",
    )),
    api_route("GET", "/api/v1/projects/{name}", api_projects.show, _VIEW, Operation(
        "projects", "Get a project with its environments and services.",
        project_bodies.ProjectBody,
    )),
    api_route("GET", "/api/v1/projects/{name}/refs", api_projects.list_refs, _VIEW,
        Operation(
            "projects", "List the newest 200 branches and tags that may be deployed.",
            list[project_bodies.RefBody], parameters=(api_parameters.PREFIX,),
            errors=(409,),
            description="They are those of the last fetch. A project that isn't a git "
            "repository has none.",
    )),
    api_route(
        "DELETE", "/api/v1/projects/{name}", api_projects.remove, _ADMIN, Operation(
        "projects", "Remove a project.", project_bodies.RemovedBody, errors=(409,),
        description="Its services are archived, and their history is kept. The "
        "repository isn't changed. Refused while a deployment of it is queued or "
        "running.",
    )),
    api_route("GET", "/api/v1/host-keys", host_keys.list_keys, _VIEW, Operation(
        "host keys", "List the host keys that runs trust.",
        list[host_key_bodies.HostKeyBody],
        parameters=(api_parameters.SCOPE, *api_parameters.PAGE_BY_ID),
    )),
    api_route("POST", "/api/v1/host-keys", host_keys.add, _ADMIN, Operation(
        "host keys", "Accept host keys for a project or service.",
        list[host_key_bodies.HostKeyBody], status=201,
        body=host_key_bodies.AddHostKeysRequest, errors=(404,),
        description="The response has all accepted keys of the project or service.",
    )),
    api_route(
        "DELETE", "/api/v1/host-keys/{id:number}", host_keys.delete, _ADMIN, Operation(
        "host keys", "Remove an accepted host key.", host_key_bodies.HostKeyBody,
    )),
]  # fmt: skip
