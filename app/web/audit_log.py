"""The audit log as a page and in the JSON API."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.domain.audit import Action, AuditEntry
from app.errors import InvalidFields
from app.usecases import audit
from app.web import paging
from app.web.audit_bodies import audit_entry_body
from app.web.dependencies import actor_of, deps
from app.web.history import PAGE, before
from app.web.query import BIGINT, number

#: The number of entries on a page of the hash chain.
CHAIN_PAGE = 500


def page(request: Request) -> Response:
    """Show the audit log, newest first."""
    asked = _asked(request)
    if any(request.query_params.get(name) == "" for name in ("actor", "action")):
        return RedirectResponse(_link("/admin/audit", asked), 303)
    known = asked.get("action", "") in set(Action)
    noted = _latest(request, asked, Action(asked["action"]) if known else None)
    older = _older(noted)
    return deps(request).renderer.page(
        request,
        "admin/audit.html",
        422 if "action" in asked and not known else 200,
        noted=[audit_entry_body(entry) for entry in noted],
        asked=asked,
        actions=list(Action),
        problem="" if known or "action" not in asked else "unknown action",
        older=_link("/admin/audit", asked | older) if older else "",
        newest=_link("/admin/audit", asked) if before(request) else "",
    )


def list_entries(request: Request) -> Response:
    """GET /api/v1/audit?actor=&action=&before=ID: newest first.

    Raises InvalidFields.
    """
    asked = _asked(request)
    if asked.get("action", Action.LAUNCH) not in set(Action):
        raise InvalidFields({"action": f"must be one of {', '.join(Action)}"})
    action = Action(asked["action"]) if "action" in asked else None
    noted = _latest(request, asked, action)
    headers = {}
    if older := _older(noted):
        headers["Link"] = f'<{_link(request.url.path, asked | older)}>; rel="next"'
    bodies = [audit_entry_body(entry).model_dump(mode="json") for entry in noted]
    return JSONResponse(bodies, headers=headers)


def list_chain(request: Request) -> Response:
    """GET /api/v1/audit/chain?after=NUMBER: in the order of the hash chain."""
    after = number(request.query_params, "after", most=BIGINT) or 0
    found = audit.export(deps(request).store, actor_of(request), after, CHAIN_PAGE + 1)
    shown = found[:CHAIN_PAGE]
    following = {}
    if len(found) > len(shown):
        following = paging.next_link(request, after=shown[-1].chain_number)
    return JSONResponse([entry.as_json() for entry in shown], headers=following)


def _asked(request: Request) -> dict[str, str]:
    return {
        name: request.query_params[name]
        for name in ("actor", "action")
        if request.query_params.get(name)
    }


def _latest(
    request: Request, asked: dict[str, str], action: Action | None
) -> Sequence[AuditEntry]:
    return audit.latest(
        deps(request).store,
        actor_of(request),
        actor=asked.get("actor"),
        action=action,
        before=before(request),
        limit=PAGE,
    )


def _older(noted: Sequence[AuditEntry]) -> dict[str, str]:
    """Return the parameter of the next page, none if there is no further one."""
    return {"before": str(noted[-1].id)} if len(noted) == PAGE else {}


def _link(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
