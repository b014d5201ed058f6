"""The page of grants."""

from dataclasses import dataclass, field

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.access import INCLUDED, Grant, Permission, SubjectKind
from app.errors import Conflict, Invalid, InvalidFields, NotFound
from app.usecases import grants
from app.web.dependencies import actor_of, deps
from app.web.role_descriptions import GRANT_DESCRIPTIONS

#: Messages by the `done` parameter of the page's URL.
_DONE = {"added": "The grant was added.", "removed": "The grant was removed."}
_FIELDS = ("subject", "name", "permission", "services")
_SUBJECTS = {
    SubjectKind.USER: "has the grant",
    SubjectKind.TEAM: "each member has the grant",
    SubjectKind.TOKEN: "a token that has grants only",
}


@dataclass(frozen=True, slots=True)
class GrantForm:
    """The values of the form, and the problems of its fields by name."""

    subject: str = SubjectKind.USER
    name: str = ""
    permission: str = Permission.VIEW
    services: str = ""
    problems: dict[str, str] = field(default_factory=dict)


def index(request: Request) -> Response:
    """List the grants, with a form to add one."""
    user = request.query_params.get("user", "")
    return _page(request, 200, GrantForm(name=user))


def add(request: Request, form: FormData) -> Response:
    """Add a grant, or show the form with its errors."""
    values = {key: str(form.get(key, "")).strip() for key in _FIELDS}
    sent = GrantForm(**values, problems={})
    if sent.subject not in set(SubjectKind):
        sent.problems["subject"] = "choose a user, a team or a token"
    if sent.permission not in set(INCLUDED):
        sent.problems["permission"] = "choose a permission"
    if sent.problems:
        return _page(request, 422, sent)
    try:
        grants.add(
            deps(request).store,
            actor_of(request),
            SubjectKind(sent.subject),
            sent.name,
            Grant(Permission(sent.permission), sent.services),
        )
    except InvalidFields as error:
        sent.problems.update(error.problems)
    except (Conflict, Invalid, NotFound) as error:
        sent.problems["name"] = str(error)
    if sent.problems:
        return _page(request, 422, sent)
    return RedirectResponse("/admin/grants?done=added", 303)


def remove(request: Request) -> Response:
    """Remove a grant."""
    grants.remove(deps(request).store, actor_of(request), request.path_params["id"])
    return RedirectResponse("/admin/grants?done=removed", 303)


def _page(request: Request, status_code: int, sent: GrantForm) -> Response:
    return deps(request).renderer.page(
        request,
        "admin/grants.html",
        status_code,
        grants=grants.list_grants(deps(request).store, actor_of(request)),
        subjects=_SUBJECTS,
        permissions=GRANT_DESCRIPTIONS,
        done=_DONE.get(request.query_params.get("done", ""), ""),
        sent=sent,
    )
