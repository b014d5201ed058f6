"""A history on a page: its filters, what they leave, and the ways on from there."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse

from app.domain.deployment import Origin, Status
from app.store.history import SEARCHED
from app.usecases import history, services
from app.web import filters, query
from app.web.dependencies import deps

#: Deployments on one page of a history.
PAGE = 50


def before(request: Request) -> int | None:
    """The number below which a page is asked for. Raises Invalid."""
    return query.number(request.query_params, "before")


def tidy(request: Request) -> RedirectResponse | None:
    """The way to the same history by an address without what a form left empty."""
    asked = filters.read(request.query_params)
    return RedirectResponse(asked.link(request.url.path), 303) if asked.untidy else None


def listed(request: Request, service: str | None = None) -> dict[str, object]:
    """What the templates of a history take: of one service, or of all."""
    store = deps(request).store
    asked = filters.read(request.query_params)
    wanted = asked.wanted if service is None else replace(asked.wanted, service=service)
    page = history.page(store, wanted, before=before(request), limit=PAGE)
    path, place = ("/deployments", "")
    if service is not None:
        # Their history is the last thing on a service's page.
        path, place = (f"/services/{service}", "#history")
    return {
        "asked": asked,
        "action": path + place,
        "page": page,
        "searched": SEARCHED,
        "older": asked.link(path, before=page.before) + place if page.before else "",
        "newest": asked.link(path) + place if before(request) else "",
        "statuses": list(Status),
        "origins": list(Origin),
        "actors": history.actors(store, service),
        "services": services.names(store) if service is None else [],
    }
