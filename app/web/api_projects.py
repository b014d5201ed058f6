"""The JSON API for projects."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.usecases import project_views
from app.web.dependencies import deps
from app.web.project_bodies import AddedBody, AddRequest, added_body, project_body
from app.web.projects import add_here, propose_here


def list_projects(request: Request) -> Response:
    """GET /api/projects."""
    listed = project_views.list_projects(
        deps(request).store, deps(request).settings.services
    )
    return JSONResponse([project_body(each).model_dump() for each in listed])


async def add(request: Request) -> Response:
    """POST /api/projects: 201 with what was created, or 200 for a dry run."""
    body = await run_in_threadpool(_add, request, await request.body())
    return JSONResponse(body.model_dump(), 201 if body.added else 200)


def _add(request: Request, content: bytes) -> AddedBody:
    asked = AddRequest.model_validate_json(content)
    with propose_here(request, asked.model_dump(exclude={"dry_run"})) as proposal:
        if not asked.dry_run:
            add_here(request, proposal)
        return added_body(proposal, added=not asked.dry_run)
