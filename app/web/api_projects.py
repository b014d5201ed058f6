"""The JSON API for projects."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.usecases import project_removal, project_views, revisions
from app.web import paging
from app.web.dependencies import actor_of, deps
from app.web.project_bodies import (
    AddedBody,
    AddRequest,
    RefBody,
    RemovedBody,
    added_body,
    project_body,
)
from app.web.projects import add_here, propose_here


def list_projects(request: Request) -> Response:
    """GET /api/v1/projects."""
    listed = project_views.list_projects(
        deps(request).store, deps(request).settings.services
    )
    return paging.by_name(request, listed, lambda one: one.name, project_body)


def show(request: Request) -> Response:
    """GET /api/v1/projects/{name}."""
    found = project_views.find(
        deps(request).store,
        deps(request).settings.services,
        request.path_params["name"],
    )
    return JSONResponse(project_body(found).model_dump())


def list_refs(request: Request) -> Response:
    """GET /api/v1/projects/{name}/refs."""
    found = revisions.refs_of_project(
        deps(request).settings,
        request.path_params["name"],
        request.query_params.get("prefix", ""),
    )
    bodies = (RefBody(name=ref.name, short=ref.short, commit=ref.commit, date=ref.date,
                      subject=ref.subject) for ref in found)  # fmt: skip
    return JSONResponse([body.model_dump() for body in bodies])


def remove(request: Request) -> Response:
    """DELETE /api/v1/projects/{name}."""
    name = request.path_params["name"]
    archived = project_removal.remove(
        deps(request).store, deps(request).settings, name, actor_of(request)
    )
    return JSONResponse(RemovedBody(name=name, archived=archived).model_dump())


async def add(request: Request) -> Response:
    """POST /api/v1/projects: 201 with what was created, or 200 for a dry run."""
    body = await run_in_threadpool(_add, request, await request.body())
    return JSONResponse(body.model_dump(), 201 if body.added else 200)


def _add(request: Request, content: bytes) -> AddedBody:
    asked = AddRequest.model_validate_json(content)
    with propose_here(request, asked.model_dump(exclude={"dry_run"})) as proposal:
        if asked.dry_run:
            return added_body(proposal, added=False)
        synced = add_here(request, proposal)
        return added_body(proposal, added=True, warnings=synced.warnings.values())
