"""The routes of teams and grants: their pages, and their API."""

from app.domain.access import Permission
from app.web import api_grants, api_parameters, grant_bodies, grants, teams
from app.web.guard import api_route, route
from app.web.operation import Operation
from app.web.routing import AppRoute

_ADMIN = Permission.ADMIN
_TEAM = "/api/v1/teams/{name}"

#: The pages.
ROUTES: list[AppRoute] = [
    route("/admin/teams", teams.index, _ADMIN, takes=("done",)),
    route("/admin/teams", teams.create, _ADMIN, "POST"),
    route("/admin/teams/{name}/remove", teams.remove, _ADMIN, "POST"),
    route("/admin/teams/{name}/members", teams.change_members, _ADMIN, "POST"),
    route("/admin/grants", grants.index, _ADMIN, takes=("done", "user")),
    route("/admin/grants", grants.add, _ADMIN, "POST"),
    route("/admin/grants/{id:number}/remove", grants.remove, _ADMIN, "POST"),
]

#: The API.
API = [
    api_route("GET", "/api/v1/teams", api_grants.list_teams, _ADMIN, Operation(
        "access", "List the teams with their members.", list[grant_bodies.TeamBody],
        parameters=api_parameters.PAGE_BY_NAME,
    )),
    api_route("POST", "/api/v1/teams", api_grants.create_team, _ADMIN, Operation(
        "access", "Create a team.", grant_bodies.TeamBody, status=201,
        body=grant_bodies.TeamRequest, errors=(409,),
    )),
    api_route("GET", _TEAM, api_grants.show_team, _ADMIN, Operation(
        "access", "Get a team with its members.", grant_bodies.TeamBody,
    )),
    api_route("DELETE", _TEAM, api_grants.remove_team, _ADMIN, Operation(
        "access", "Remove a team with its grants.", grant_bodies.TeamBody,
        description="The response has what it was.",
    )),
    api_route("POST", f"{_TEAM}/members", api_grants.add_member, _ADMIN, Operation(
        "access", "Add a user to a team.", grant_bodies.TeamBody, status=201,
        body=grant_bodies.MemberRequest, errors=(409,),
    )),
    api_route("DELETE", f"{_TEAM}/members/{{user}}", api_grants.remove_member, _ADMIN,
        Operation(
            "access", "Remove a user from a team.", grant_bodies.TeamBody,
    )),
    api_route("GET", "/api/v1/grants", api_grants.list_grants, _ADMIN, Operation(
        "access", "List the grants of users, teams and tokens.",
        list[grant_bodies.GrantBody], parameters=api_parameters.PAGE_BY_ID,
    )),
    api_route("POST", "/api/v1/grants", api_grants.add_grant, _ADMIN, Operation(
        "access", "Add a grant.", grant_bodies.GrantBody, status=201,
        body=grant_bodies.GrantRequest, errors=(404, 409),
    )),
    api_route("DELETE", "/api/v1/grants/{id:number}", api_grants.remove_grant, _ADMIN,
        Operation(
            "access", "Remove a grant.", grant_bodies.GrantBody,
            description="The response has what it was.",
    )),
]  # fmt: skip
