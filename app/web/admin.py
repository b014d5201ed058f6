"""Read-only admin pages: the settings and the audit log."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.audit import Action
from app.setting_rows import shown
from app.usecases import audit
from app.web.dependencies import actor_of, deps
from app.web.history import PAGE, before


def settings(request: Request) -> Response:
    """Show the settings of the web process, with secrets hidden."""
    return deps(request).renderer.page(
        request, "admin/settings.html", settings=shown(deps(request).settings)
    )


def audit_log(request: Request) -> Response:
    """Show the audit log, newest first."""
    asked = {
        name: request.query_params[name]
        for name in ("actor", "action")
        if request.query_params.get(name)
    }
    if any(request.query_params.get(name) == "" for name in ("actor", "action")):
        return RedirectResponse(_link(asked), 303)
    known = asked.get("action", "") in set(Action)
    noted = audit.latest(
        deps(request).store,
        actor_of(request),
        actor=asked.get("actor"),
        action=Action(asked["action"]) if known else None,
        before=before(request),
        limit=PAGE,
    )
    full = len(noted) == PAGE
    return deps(request).renderer.page(
        request,
        "admin/audit.html",
        422 if "action" in asked and not known else 200,
        noted=noted,
        asked=asked,
        actions=list(Action),
        problem="" if known or "action" not in asked else "unknown action",
        older=_link(asked | {"before": str(noted[-1].id)}) if full else "",
        newest=_link(asked) if before(request) else "",
    )


def _link(query: dict[str, str]) -> str:
    return f"/admin/audit?{urlencode(query)}" if query else "/admin/audit"
