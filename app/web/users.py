"""User management pages."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.access import Role
from app.errors import Conflict, InvalidFields
from app.usecases import grants, passwords, users
from app.web.dependencies import actor_of, deps
from app.web.role_descriptions import ROLE_DESCRIPTIONS

#: Messages by the `done` parameter of the page's URL.
_DONE = {
    "created": "The user was created.",
    "role": "The role was changed.",
    "password": "The password was changed and all sessions were ended.",
    "sessions": "All sessions were ended.",
    "disabled": "The user was disabled and all sessions were ended.",
    "enabled": "The user was enabled.",
}
_DIFFER = "the passwords don't match"


def index(request: Request) -> Response:
    """List the users, with a form to create one."""
    return _index(request, 200, sent={}, problems={})


def create(request: Request, form: FormData) -> Response:
    """Create a user and redirect to their page, or show the form with its errors."""
    name, password = _text(form, "name").strip(), _text(form, "password")
    store, actor = deps(request).store, actor_of(request)
    problems = {}
    if password != _text(form, "again"):
        problems["again"] = _DIFFER
    role = _role(form)
    if role is None:
        problems["role"] = "choose a role"
    try:
        if not problems and role is not None:
            users.create_user(store, actor, name, password, role)
    except InvalidFields as error:
        problems |= error.problems
    except Conflict as error:
        problems["name"] = str(error)
    if problems:
        sent = {"name": name, "role": role or ""}
        return _index(request, 422, sent=sent, problems=problems)
    found = next(u for u in users.list_users(store, actor) if u.name == name)
    return _done(found.id, "created")


def show(request: Request) -> Response:
    """Show one user, with forms to change them."""
    return _page(request, 200, problems={})


def set_role(request: Request, form: FormData) -> Response:
    """Change the role of a user."""
    role = _role(form)
    if role is None:
        return _page(request, 422, problems={"role": "choose a role"})
    try:
        users.set_role(deps(request).store, actor_of(request), _id(request), role)
    except Conflict as error:
        return _page(request, 409, problems={"role": str(error)})
    return _done(_id(request), "role")


def set_password(request: Request, form: FormData) -> Response:
    """Change the password of a user."""
    store, actor = deps(request).store, actor_of(request)
    user = users.find_user(store, actor, _id(request))
    password = _text(form, "password")
    if password != _text(form, "again"):
        return _page(request, 422, problems={"again": _DIFFER})
    try:
        users.set_password(store, actor, user.name, password)
    except InvalidFields as error:
        return _page(request, 422, problems=error.problems)
    return _done(user.id, "password")


def end_sessions(request: Request) -> Response:
    """End every session of a user."""
    store, actor = deps(request).store, actor_of(request)
    user = users.find_user(store, actor, _id(request))
    users.end_sessions(store, actor, user.name)
    return _done(user.id, "sessions")


def disable(request: Request) -> Response:
    """Disable a user."""
    try:
        users.disable(deps(request).store, actor_of(request), _id(request))
    except Conflict as error:
        return _page(request, 409, problems={"disable": str(error)})
    return _done(_id(request), "disabled")


def enable(request: Request) -> Response:
    """Enable a user."""
    users.enable(deps(request).store, actor_of(request), _id(request))
    return _done(_id(request), "enabled")


def _index(request: Request, status_code: int, **context: dict[str, str]) -> Response:
    return deps(request).renderer.page(
        request,
        "admin/users.html",
        status_code,
        users=users.list_users(deps(request).store, actor_of(request)),
        role_descriptions=ROLE_DESCRIPTIONS,
        shortest=passwords.MIN_LENGTH,
        **context,
    )


def _page(request: Request, status_code: int, problems: dict[str, str]) -> Response:
    return deps(request).renderer.page(
        request,
        "admin/user.html",
        status_code,
        user=users.find_user(deps(request).store, actor_of(request), _id(request)),
        grants=grants.list_of_user(
            deps(request).store, actor_of(request), _id(request)
        ),
        role_descriptions=ROLE_DESCRIPTIONS,
        shortest=passwords.MIN_LENGTH,
        done=_DONE.get(request.query_params.get("done", ""), ""),
        problems=problems,
    )


def _done(user_id: int, what: str) -> Response:
    return RedirectResponse(f"/admin/users/{user_id}?done={what}", 303)


def _role(form: FormData) -> Role | None:
    try:
        return Role(_text(form, "role"))
    except ValueError:
        return None


def _text(form: FormData, name: str) -> str:
    return str(form.get(name, ""))


def _id(request: Request) -> int:
    number: int = request.path_params["id"]
    return number
