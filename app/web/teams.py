"""The page of teams."""

from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import Conflict, InvalidFields, NotFound
from app.usecases import teams
from app.web.dependencies import actor_of, deps

#: Messages by the `done` parameter of the page's URL.
_DONE = {
    "created": "The team was created.",
    "removed": "The team was removed with its grants.",
    "added": "The user is in the team now.",
    "left": "The user is no longer in the team.",
}


def index(request: Request) -> Response:
    """List the teams with their members, and forms to change them."""
    return _page(request, 200)


def create(request: Request, form: FormData) -> Response:
    """Create a team, or show the form with its errors."""
    name = str(form.get("name", "")).strip()
    try:
        teams.create(deps(request).store, actor_of(request), name)
    except InvalidFields as error:
        return _page(request, 422, name=name, problems=error.problems)
    except Conflict as error:
        return _page(request, 409, name=name, problems={"name": str(error)})
    return _done("created")


def remove(request: Request) -> Response:
    """Remove a team with its grants."""
    store, actor = deps(request).store, actor_of(request)
    teams.remove(store, actor, request.path_params["name"])
    return _done("removed")


def change_members(request: Request, form: FormData) -> Response:
    """Add a user to a team, or remove one."""
    store, actor = deps(request).store, actor_of(request)
    team, user = request.path_params["name"], str(form.get("user", "")).strip()
    try:
        if form.get("action") == "remove":
            teams.remove_member(store, actor, team, user)
            return _done("left")
        teams.add_member(store, actor, team, user)
    except (Conflict, NotFound) as error:
        return _page(request, 422, wrong=str(error))
    return _done("added")


def _page(
    request: Request,
    status_code: int,
    *,
    name: str = "",
    problems: dict[str, str] | None = None,
    wrong: str = "",
) -> Response:
    return deps(request).renderer.page(
        request,
        "admin/teams.html",
        status_code,
        teams=teams.list_teams(deps(request).store, actor_of(request)),
        done=_DONE.get(request.query_params.get("done", ""), ""),
        name=name,
        problems=problems or {},
        wrong=wrong,
    )


def _done(what: str) -> Response:
    return RedirectResponse(f"/admin/teams?done={quote(what)}", 303)
