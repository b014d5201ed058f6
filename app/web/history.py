"""The history of deployments on a page: filters, matches, and links to other pages."""

from dataclasses import replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse

from app.domain.deployment import Origin, Status
from app.store.history import SEARCHED
from app.usecases import history, services
from app.web import filters, query
from app.web.dependencies import actor_of, deps
from app.web.history_rows import rows_of

#: Deployments on one page of a history.
PAGE = 50


def before(request: Request) -> int | None:
    """Return the parameter `before`: only lower numbers are listed. Raises Invalid."""
    return query.number(request.query_params, "before")


def tidy(request: Request) -> RedirectResponse | None:
    """Redirect to the URL without the parameters that a form left empty, if any."""
    asked = filters.read(request.query_params)
    return RedirectResponse(asked.link(request.url.path), 303) if asked.untidy else None


def listed(request: Request, service: str | None = None) -> dict[str, object]:
    """Return the context of the history templates, for one service or for all."""
    store = deps(request).store
    asked = filters.read(request.query_params)
    wanted = asked.wanted if service is None else replace(asked.wanted, service=service)
    page, actors = history.page_with_actors(
        store, wanted, service, before=before(request), limit=PAGE
    )
    path, place = ("/deployments", "")
    if service is not None:
        # The history is the last section of a service's page.
        path, place = (f"/services/{service}", "#history")
    return {
        "asked": asked,
        "action": path + place,
        "page": page,
        "history": rows_of(
            page.items,
            actor_of(request),
            datetime.now(UTC),
            comparable=service is not None,
        ),
        "searched": SEARCHED,
        "older": asked.link(path, before=page.before) + place if page.before else "",
        "newest": asked.link(path) + place if before(request) else "",
        "statuses": list(Status),
        "origins": list(Origin),
        "actors": actors,
        "services": services.names(store) if service is None else [],
    }
