"""The results of a deployment: their matrix, one of them, and what they changed."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from app.domain.matrix import label
from app.usecases import changes, deploy, results
from app.web.dependencies import deps
from app.web.deployment_tabs import tab_page
from app.web.history import before
from app.web.host_filters import file_url
from app.web.output_lines import context
from app.web.query import number


def list_results(request: Request) -> Response:
    """Show the matrix of tasks and hosts, a window of both, and the recap."""
    store = deps(request).store
    view = deploy.view(store, _id(request))
    summary = results.summary_of(store, view.deployment.id)
    hosts_after = request.query_params.get("hosts_after", "").replace("\0", "")
    end = before(request)
    # The newest window of a run that goes on is updated: it has to remain small.
    newest = end is None and not hosts_after
    live = newest and not view.deployment.ended
    window = results.SMALL if live else results.LARGE
    window = replace(window, before=end, hosts_after=hosts_after)

    def address(**changed: object) -> str:
        query = request.url.include_query_params(**changed).query
        return f"/deployments/{view.deployment.id}/results?{query}"

    return tab_page(
        request,
        "deployments/results.html",
        view,
        tab="Results",
        summary=summary,
        matrix=results.matrix(store, view, window, summary.recap),
        live=live,
        newest=newest,
        hosts_after=hosts_after,
        address=address,
    )


def result(request: Request) -> Response:
    """Show the result of one task on one host, with all its fields."""
    event = request.path_params["number"]
    result = results.find(deps(request).store, _id(request), event)
    return deps(request).renderer.page(
        request,
        "deployments/result.html",
        result=result,
        task=label(result.recorded.task),
        line=context(f"/deployments/{_id(request)}", event),
    )


def list_changes(request: Request) -> Response:
    """Show what the tasks changed, with their diffs."""
    store = deps(request).store
    view = deploy.view(store, _id(request))
    after = number(request.query_params, "after") or 0
    return tab_page(
        request,
        "deployments/changes.html",
        view,
        tab="Changes",
        listed=changes.look(store, view, after),
        file_url=file_url,
        after=after,
    )


def list_variables(request: Request) -> Response:
    """Show the launch variables and options of a deployment."""
    view = deploy.view(deps(request).store, _id(request))
    return tab_page(request, "deployments/variables.html", view, tab="Variables")


def _id(request: Request) -> int:
    deployment_id: int = request.path_params["id"]
    return deployment_id
