"""The overview page, its changing part, and the favourites of a user."""

from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.dashboard import Group, Sort
from app.usecases import overview
from app.web import overview_filter
from app.web.dependencies import actor_of, deps
from app.web.live_part import if_changed
from app.web.overview_filter import OverviewFilter
from app.web.service_rows import rows_of

#: The choices of the order and of the groups with their labels.
_SORTS = {Sort.NAME: "name", Sort.LATEST: "last deployment", Sort.STATUS: "status"}
_GROUPS = {Group.PROJECT: "project", Group.STATUS: "status", Group.LABEL: "label"}


def index(request: Request) -> Response:
    """Show the overview."""
    asked = overview_filter.read(request.query_params)
    if asked.untidy:
        return RedirectResponse(asked.link("/"), 303)
    return deps(request).renderer.page(
        request,
        "overview/index.html",
        **_found(request, asked),
        choices=overview.choices(deps(request).store),
        sorts=_SORTS,
        groups=_GROUPS,
        synced=request.query_params.get("synced", ""),
    )


def changing(request: Request) -> Response:
    """Return the changing part of the page, or 304 if the client has it (by ETag)."""
    asked = overview_filter.read(request.query_params)
    answer = deps(request).renderer.page(
        request, "overview/_overview.html", **_found(request, asked), choices=None
    )
    return if_changed(request, answer)


def favour(request: Request, form: FormData) -> Response:
    """Add a favourite of the user or remove one, then show the same page again."""
    store, actor = deps(request).store, actor_of(request)
    for field, chosen in (("add", True), ("remove", False)):
        if service := str(form.get(field, "")):
            overview.set_favourite(store, actor, service, chosen=chosen)
    asked = overview_filter.read(QueryParams(str(form.get("back", ""))))
    return RedirectResponse(asked.link("/"), 303)


def _found(request: Request, asked: OverviewFilter) -> dict[str, Any]:
    actor = actor_of(request)
    # A token has no favourites, even if it has the name of a user.
    user = actor.name if actor.user_id is not None else ""
    found = overview.look(deps(request).store, asked.wanted, user=user, page=asked.page)
    group = asked.wanted.group
    rows = rows_of(found.services, group, actor, datetime.now(UTC))
    return {"asked": asked, "overview": found, "rows": rows}
