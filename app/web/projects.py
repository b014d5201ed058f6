"""Pages of projects: the list, one project, and adding a repository."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.access import Permission
from app.errors import Conflict, InvalidFields
from app.runner.git_host_key import Refused
from app.usecases import (
    git_host_keys,
    host_key_views,
    project_proposals,
    project_removal,
    project_views,
    projects,
    services,
)
from app.usecases.project_proposals import AddRequest, HostKeyToAccept, Proposal
from app.usecases.services import SyncResult
from app.web.dependencies import actor_of, deps
from app.web.live_part import if_changed
from app.web.query import number

#: The maximum number of paths of each kind, and of services, that a preview shows.
LISTED = 50
#: The fields of the form. A link can't have the last two: another site could let an
#: administrator who follows it send a credential to any host, or trust one.
_FIELDS = ("path", "name", "ref", "credential", "host_key")
_LINKED = _FIELDS[:3]


def index(request: Request) -> Response:
    """List the projects, with a form to add a repository."""
    listed = project_views.list_projects(
        deps(request).store, deps(request).settings.services
    )
    return deps(request).renderer.page(
        request,
        "projects/index.html",
        projects=listed,
        sent={},
        problems={},
        refused=_refused(request),
        removed=request.query_params.get("done") == "removed",
    )


def show(request: Request) -> Response:
    """Show a project with its environments and services."""
    return _show(request, "projects/show.html")


def changing(request: Request) -> Response:
    """Return the changing part of the page, or 304 if the client has it (by ETag)."""
    return if_changed(request, _show(request, "projects/_project.html"))


def _show(request: Request, template: str) -> Response:
    name, text = request.path_params["name"], request.query_params.get("text", "")
    page = project_views.look(
        deps(request).store,
        deps(request).settings.services,
        name,
        text=text,
        number=number(request.query_params, "page") or 1,
    )

    def link(to: int, part: str = "") -> str:
        query = {"text": text} if text else {}
        return f"/projects/{name}{part}?{urlencode(query | {'page': str(to)})}"

    return deps(request).renderer.page(
        request,
        template,
        source=link(page.number, "/changing"),
        page=page,
        project=page.project,
        host_keys=host_key_views.look(
            deps(request).store, deps(request).settings, name
        ),
        refused_key=git_host_keys.refused(deps(request).settings, name),
        accepted=request.query_params.get("done") == "accepted",
        text=text,
        most_errors=project_views.ERRORS,
        per_page=project_views.PAGE,
        added=request.query_params.get("done") == "added",
        refused=_refused(request),
        earlier=link(page.number - 1) if page.number > 1 else "",
        later=link(page.number + 1) if page.number < page.last else "",
    )


def preview(request: Request) -> Response:
    """Show what adding a repository would create; nothing is written."""
    sent = {key: request.query_params.get(key, "") for key in _LINKED}
    if not any(sent.values()):
        return _preview(request, 200, sent)
    return _look(request, sent)


def _look(request: Request, sent: Mapping[str, str]) -> Response:
    """Return the page with what adding a repository would create, or the errors."""
    try:
        with propose_here(request, sent) as proposal:
            return _preview(request, 200, sent, proposal=proposal)
    except InvalidFields as error:
        return _invalid(request, sent, error)
    except Conflict as error:
        return _preview(request, 409, sent, problems={"": str(error)})


def add(request: Request, form: FormData) -> Response:
    """Add a repository and redirect to the project, or show the form with errors.

    With the field `look`, what would be created is shown as by `preview`.
    """
    sent = {key: str(form.get(key, "")) for key in _FIELDS}
    if form.get("look") == "true":
        return _look(request, sent)
    try:
        with propose_here(request, sent) as proposal:
            add_here(request, proposal)
    except InvalidFields as error:
        return _invalid(request, sent, error)
    except Conflict as error:
        return _preview(request, 409, sent, problems={"": str(error)})
    return RedirectResponse(f"/projects/{proposal.name}?done=added", 303)


def remove(request: Request, form: FormData) -> Response:  # noqa: ARG001
    """Remove a project and redirect to the list of projects."""
    name = request.path_params["name"]
    project_removal.remove(
        deps(request).store, deps(request).settings, name, actor_of(request)
    )
    return RedirectResponse("/projects?done=removed", 303)


def propose_here(
    request: Request, sent: Mapping[str, str]
) -> AbstractContextManager[Proposal]:
    """Return what adding a repository would create.

    Raises:
        NotAllowed: The actor of the request isn't an administrator, or may not use
            credentials.
        Conflict: Runs belong to another user, or the name is taken.
        InvalidFields: The path, the name, the ref or the credential is invalid.
    """
    asked = AddRequest(**{key: text.strip() for key, text in sent.items()})
    return project_proposals.propose_here(
        asked, deps(request).settings, actor_of(request), deps(request).git
    )


def add_here(request: Request, proposal: Proposal) -> SyncResult:
    """Add a project, and sync the services of this node; return the result.

    Raises:
        Conflict: The name is taken.
        Invalid: The services folder can't be written.
    """
    store, settings = deps(request).store, deps(request).settings
    # An administrator's token may lack the scope for a sync of everything.
    found = actor_of(request)
    actor = replace(found, permissions=found.permissions | {Permission.SYNC})
    projects.add(store, settings.services, proposal, actor)
    return services.sync_services(
        store, settings.services, settings.var, settings.node, actor,
        reach=deps(request).git.of, box=lambda: deps(request).secret_box,
    )  # fmt: skip


def _refused(request: Request) -> str:
    """Return why nobody can add a project in the browser; empty if they can."""
    user = deps(request).settings.run_as
    return project_proposals.refusal(user) if user else ""


def _invalid(
    request: Request, sent: Mapping[str, str], error: InvalidFields
) -> Response:
    if not isinstance(error, HostKeyToAccept):
        return _preview(request, 422, sent, problems=error.problems)
    return _preview(
        request, 422, sent, refused_key=error.refused,
        problems={"path": "compare the host key of its server, and accept it"},
    )  # fmt: skip


def _preview(
    request: Request,
    status_code: int,
    sent: Mapping[str, str],
    *,
    problems: Mapping[str, str] = MappingProxyType({}),
    proposal: Proposal | None = None,
    refused_key: Refused | None = None,
) -> Response:
    return deps(request).renderer.page(
        request,
        "projects/new.html",
        status_code,
        sent=sent,
        problems=problems,
        refused=_refused(request),
        proposal=proposal,
        refused_key=refused_key,
        most=LISTED,
    )
