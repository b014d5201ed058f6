"""Pages of the files that runs have changed on a host; their API."""

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.store.hosts import Host
from app.usecases import file_history, hosts
from app.web.dependencies import deps
from app.web.host_file_bodies import file_body, file_detail_body
from app.web.host_filters import file_url, files_url, host_url
from app.web.query import LAST_PAGE, number


def index(request: Request) -> Response:
    """List the files of a host, a page at a time.

    Without a project, the list of hosts is shown if several have such a host.
    """
    if several := _several(request):
        return several
    host, text = _host(request), request.query_params.get("text", "")
    page = file_history.page(deps(request).store, host, text, _page_number(request))
    return deps(request).renderer.page(
        request,
        "hosts/files.html",
        host=host,
        text=text,
        page=page,
        host_url=host_url(host.name, host.scope),
        action=request.url.path,
        file_url=lambda path: file_url(host.name, host.scope, path),
        earlier=_link(request, host, page.number - 1) if page.number > 1 else "",
        later=_link(request, host, page.number + 1) if page.number < page.last else "",
    )


def show(request: Request) -> Response:
    """Show the versions of a file, and who wrote each of its lines."""
    if several := _several(request):
        return several
    host = _host(request)
    view = file_history.look(deps(request).store, host, _path(request))
    return deps(request).renderer.page(
        request,
        "hosts/file.html",
        host=host,
        view=view,
        host_url=host_url(host.name, host.scope),
        files_url=files_url(host.name, host.scope),
    )


def list_files(request: Request) -> Response:
    """GET /api/v1/hosts/{name}/files?project=…&text=…&page=…."""
    host, text = _host(request), request.query_params.get("text", "")
    page = file_history.page(deps(request).store, host, text, _page_number(request))
    headers = {}
    if page.number < page.last:
        headers["Link"] = f'<{_link(request, host, page.number + 1)}>; rel="next"'
    bodies = [file_body(each).model_dump(mode="json") for each in page.files]
    return JSONResponse(bodies, headers=headers)


def show_file(request: Request) -> Response:
    """GET /api/v1/hosts/{name}/files/{path}?project=…."""
    view = file_history.look(deps(request).store, _host(request), _path(request))
    return JSONResponse(file_detail_body(view).model_dump(mode="json"))


def _several(request: Request) -> Response | None:
    name = request.path_params["name"]
    if _project(request) or len(hosts.scopes_of(deps(request).store, name)) < 2:
        return None
    return RedirectResponse(f"/hosts?{urlencode({'text': name})}", 303)


def _host(request: Request) -> Host:
    name = request.path_params["name"]
    return hosts.find(deps(request).store, name, _project(request)).host


def _project(request: Request) -> str:
    return request.query_params.get("project", "")


def _path(request: Request) -> str:
    return f"/{request.path_params['path']}"


def _page_number(request: Request) -> int:
    return number(request.query_params, "page", most=LAST_PAGE) or 1


def _link(request: Request, host: Host, page: int) -> str:
    text = request.query_params.get("text", "")
    asked = {"project": host.scope, **({"text": text} if text else {}), "page": page}
    return f"{quote(request.url.path)}?{urlencode(asked)}"
