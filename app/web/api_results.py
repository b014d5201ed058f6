"""The API of what a deployment did: results, changes, lines of its output, commits."""

from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.domain.matrix import label
from app.errors import InvalidFields
from app.usecases import changes, comparison, deploy, results, revisions
from app.usecases.search import look as look_for
from app.web import paging, search_query
from app.web.comparison_bodies import commits_body, comparison_body
from app.web.concurrency_limit import place
from app.web.dependencies import deps
from app.web.history import before
from app.web.query import BIGINT, number
from app.web.response_bodies import event_body
from app.web.result_bodies import change_body, result_body, results_body
from app.web.schemas import EventBody


def list_results(request: Request) -> Response:
    """GET /api/v1/deployments/{id}/results?before=&hosts_after=."""
    store = deps(request).store
    view = deploy.view(store, _id(request))
    summary = results.summary_of(store, view.deployment.id)
    hosts_after = request.query_params.get("hosts_after", "").replace("\0", "")
    window = replace(results.LARGE, before=before(request), hosts_after=hosts_after)
    found = results.matrix(store, view, window, summary.recap)
    body = results_body(found, summary).model_dump(mode="json")
    following = {}
    if found.more_hosts:
        following = paging.next_link(request, hosts_after=found.more_hosts)
    elif found.earlier is not None:
        following = paging.next_link(request, before=found.earlier, hosts_after="")
    return JSONResponse(body, headers=following)


def show_result(request: Request) -> Response:
    """GET /api/v1/deployments/{id}/results/{number}."""
    event = request.path_params["number"]
    found = results.find(deps(request).store, _id(request), event)
    body = result_body(found, label(found.recorded.task))
    return JSONResponse(body.model_dump(mode="json"))


def list_changes(request: Request) -> Response:
    """GET /api/v1/deployments/{id}/changes?after=."""
    store = deps(request).store
    view = deploy.view(store, _id(request))
    page = changes.look(store, view, number(request.query_params, "after") or 0)
    following = paging.next_link(request, after=page.further) if page.further else {}
    bodies = [change_body(change).model_dump(mode="json") for change in page.found]
    return JSONResponse(bodies, headers=following)


async def search(request: Request) -> Response:
    """GET /api/v1/deployments/{id}/search: wait for a place, as it reads many rows."""
    async with place(deps(request).search_places, "search"):
        return await run_in_threadpool(_search, request)


def compare(request: Request) -> Response:
    """GET /api/v1/services/{name}/compare?a=&b=. Raises InvalidFields."""
    a = number(request.query_params, "a", most=BIGINT)
    b = number(request.query_params, "b", most=BIGINT)
    if b is None:
        raise InvalidFields({"b": "is required: the number of a deployment"})
    store, name = deps(request).store, request.path_params["name"]
    found = comparison.look(store, name, a, b)
    return JSONResponse(comparison_body(found).model_dump(mode="json"))


def list_commits(request: Request) -> Response:
    """GET /api/v1/deployments/{id}/commits."""
    deployment, earlier, difference = revisions.since_last_successful(
        deps(request).store, deps(request).settings, _id(request)
    )
    body = commits_body(
        (deployment.id, deployment.commit),
        (earlier.id, earlier.commit) if earlier else (None, ""),
        difference,
    )
    return JSONResponse(body.model_dump(mode="json"))


def _search(request: Request) -> Response:
    wanted, after = search_query.read(request)
    found = look_for(deps(request).store, _id(request), wanted, after)
    following = paging.next_link(request, after=found.further) if found.further else {}
    bodies = [
        EventBody.model_validate(event_body(event)).model_dump(mode="json")
        for event in found.events
    ]
    return JSONResponse(bodies, headers=following)


def _id(request: Request) -> int:
    deployment_id: int = request.path_params["id"]
    return deployment_id
