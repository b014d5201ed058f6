"""The API of teams and grants."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.domain.access import Grant
from app.usecases import grants, teams
from app.web import paging
from app.web.dependencies import actor_of, deps
from app.web.grant_bodies import (
    GrantRequest,
    MemberRequest,
    TeamRequest,
    grant_body,
    team_body,
)


def list_teams(request: Request) -> Response:
    """GET /api/v1/teams."""
    found = teams.list_teams(deps(request).store, actor_of(request))
    return paging.by_name(request, found, lambda team: team.name, team_body)


async def create_team(request: Request) -> Response:
    """POST /api/v1/teams: 201 with the team."""
    return await run_in_threadpool(_create_team, request, await request.body())


def show_team(request: Request) -> Response:
    """GET /api/v1/teams/{name}."""
    return _team(request, request.path_params["name"])


def remove_team(request: Request) -> Response:
    """DELETE /api/v1/teams/{name}: what it was."""
    name = request.path_params["name"]
    answer = _team(request, name)
    teams.remove(deps(request).store, actor_of(request), name)
    return answer


async def add_member(request: Request) -> Response:
    """POST /api/v1/teams/{name}/members: 201 with the team."""
    return await run_in_threadpool(_add_member, request, await request.body())


def remove_member(request: Request) -> Response:
    """DELETE /api/v1/teams/{name}/members/{user}: the team."""
    name, user = request.path_params["name"], request.path_params["user"]
    teams.remove_member(deps(request).store, actor_of(request), name, user)
    return _team(request, name)


def list_grants(request: Request) -> Response:
    """GET /api/v1/grants."""
    found = grants.list_grants(deps(request).store, actor_of(request))
    return paging.by_id(request, found, lambda grant: grant.id, grant_body)


async def add_grant(request: Request) -> Response:
    """POST /api/v1/grants: 201 with the grant."""
    return await run_in_threadpool(_add_grant, request, await request.body())


def remove_grant(request: Request) -> Response:
    """DELETE /api/v1/grants/{id}: what it was."""
    found = grants.remove(
        deps(request).store, actor_of(request), request.path_params["id"]
    )
    return JSONResponse(grant_body(found).model_dump(mode="json"))


def _create_team(request: Request, content: bytes) -> Response:
    name = TeamRequest.model_validate_json(content).name
    teams.create(deps(request).store, actor_of(request), name)
    return _team(request, name, 201)


def _add_member(request: Request, content: bytes) -> Response:
    name, user = request.path_params["name"], MemberRequest.model_validate_json(content)
    teams.add_member(deps(request).store, actor_of(request), name, user.user)
    return _team(request, name, 201)


def _add_grant(request: Request, content: bytes) -> Response:
    wanted = GrantRequest.model_validate_json(content)
    found = grants.add(
        deps(request).store,
        actor_of(request),
        wanted.subject,
        wanted.name,
        Grant(wanted.permission, wanted.services),
    )
    return JSONResponse(grant_body(found).model_dump(mode="json"), 201)


def _team(request: Request, name: str, status_code: int = 200) -> Response:
    found = teams.find(deps(request).store, actor_of(request), name)
    return JSONResponse(team_body(found).model_dump(), status_code)
