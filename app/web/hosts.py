"""Pages of hosts: the list, and one host with its timeline; their API."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.domain.host import STATUSES
from app.usecases import host_timeline, hosts
from app.usecases.hosts import HostView
from app.web import host_fact_texts
from app.web.dependencies import deps
from app.web.history import before
from app.web.host_bodies import host_body, host_detail_body, timeline_bodies
from app.web.host_filters import (
    AskedTimeline,
    compare_url,
    file_url,
    files_url,
    host_url,
    read_hosts,
    read_timeline,
    require_valid,
)
from app.web.query import LAST_PAGE, number


def index(request: Request) -> Response:
    """List the hosts that match, a page at a time."""
    store = deps(request).store
    asked = read_hosts(request.query_params)
    page = hosts.page(store, asked.wanted, _page_number(request))
    earlier = asked.link("/hosts", page.number - 1) if page.number > 1 else ""
    later = asked.link("/hosts", page.number + 1) if page.number < page.last else ""
    return deps(request).renderer.page(
        request,
        "hosts/index.html",
        asked=asked,
        page=page,
        choices=hosts.choices(store),
        statuses=STATUSES,
        host_url=host_url,
        earlier=earlier,
        later=later,
    )


def show(request: Request) -> Response:
    """Show a host with its services, its facts and its timeline.

    Without a project, the list is shown if several projects have such a host.
    """
    store = deps(request).store
    name = request.path_params["name"]
    project = request.query_params.get("project", "")
    if not project and len(hosts.scopes_of(store, name)) > 1:
        return RedirectResponse(f"/hosts?{urlencode({'text': name})}", 303)
    view = hosts.find(store, name, project)
    asked = read_timeline(request.query_params)
    page = host_timeline.look(store, view.host, asked.wanted, before(request))
    addresses: dict[str, Any] = _addresses(request, view, asked, page.before)
    return deps(request).renderer.page(
        request,
        "hosts/show.html",
        view=view,
        host=view.host,
        facts=list(host_fact_texts.rows(view.host.facts, view.host.facts_at)),
        changed_facts=host_fact_texts.changed_rows,
        asked=asked,
        timeline=page,
        file_url=file_url,
        compare_url=compare_url,
        files_url=files_url(view.host.name, view.host.scope),
        **addresses,
    )


def list_hosts(request: Request) -> Response:
    """GET /api/v1/hosts?project=…&service=…&text=…&page=…."""
    asked = read_hosts(request.query_params)
    require_valid(asked)
    page = hosts.page(deps(request).store, asked.wanted, _page_number(request))
    headers = {}
    if page.number < page.last:
        headers["Link"] = (
            f'<{asked.link("/api/v1/hosts", page.number + 1)}>; rel="next"'
        )
    bodies = [host_body(host).model_dump(mode="json") for host in page.hosts]
    return JSONResponse(bodies, headers=headers)


def show_host(request: Request) -> Response:
    """GET /api/v1/hosts/{name}?project=…."""
    return JSONResponse(host_detail_body(_found(request)).model_dump(mode="json"))


def show_timeline(request: Request) -> Response:
    """GET /api/v1/hosts/{name}/timeline?project=…&since=…&until=…&text=…&before=…."""
    asked = read_timeline(request.query_params)
    require_valid(asked)
    host = _found(request).host
    found = host_timeline.look(deps(request).store, host, asked.wanted, before(request))
    headers = {}
    if found.before:
        more = {"project": host.scope, "before": found.before}
        headers["Link"] = f'<{asked.link(request.url.path, **more)}>; rel="next"'
    bodies = [each.model_dump(mode="json") for each in timeline_bodies(found)]
    return JSONResponse(bodies, headers=headers)


def _found(request: Request) -> HostView:
    name = request.path_params["name"]
    project = request.query_params.get("project", "")
    return hosts.find(deps(request).store, name, project)


def _page_number(request: Request) -> int:
    return number(request.query_params, "page", most=LAST_PAGE) or 1


def _addresses(
    request: Request, view: HostView, asked: AskedTimeline, older: int | None
) -> dict[str, str]:
    """Return the links of a host's page: itself, and other pages of its timeline."""
    url = host_url(view.host.name, view.host.scope)
    path, more = url.partition("?")[0], {"project": view.host.scope}
    timeline = "#timeline"
    return {
        "url": url,
        "action": path + timeline,
        "older": asked.link(path, **more, before=older) + timeline if older else "",
        "newest": asked.link(path, **more) + timeline if before(request) else "",
    }
