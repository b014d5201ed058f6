"""Deployment pages: the history, one deployment, its output and artifacts."""

import os
import re
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from app.domain.events import StepState, TaskResult
from app.domain.timeline import bars
from app.usecases import artifacts, deploy, failures, output
from app.usecases.cancel import cancel as cancel_deployment
from app.usecases.commit_statuses import find_commit
from app.usecases.notifications import of_deployment
from app.usecases.search import look as look_for
from app.usecases.timing import of_view as find_timing
from app.web import artifact_text, filters, history, search_query
from app.web.approval_parts import approval_parts
from app.web.concurrency_limit import place
from app.web.dependencies import actor_of, deps
from app.web.deployment_tabs import tab_page
from app.web.download import Download
from app.web.event_stream import stream
from app.web.history import before
from app.web.login import still_allowed
from app.web.on_demand import with_artifacts
from app.web.output_lines import failed, lines, sections_of, tasks_of
from app.web.output_response import send_output
from app.web.query import number

#: The newest events on a deployment's page; it links to the earlier ones.
SHOWN = 300
#: Artifacts of a folder that the page lists; there may be one for each event.
LISTED = 500
#: The number of searches that run in PostgreSQL at once; each takes a processor.
SEARCHES_AT_ONCE = max(1, (os.cpu_count() or 1) // 2)


def index(request: Request) -> Response:
    """List the latest deployments of all services, or those that match a filter."""
    tidied = history.tidy(request)
    if tidied is not None:
        return tidied
    history_filter = filters.read(request.query_params)
    return deps(request).renderer.page(
        request,
        "deployments/index.html",
        422 if history_filter.problems else 200,
        **history.listed(request),
    )


def show(request: Request) -> Response:
    """Show one deployment in its present state, from which the stream continues."""
    store = deps(request).store
    page = output.page(store, _id(request), before(request), SHOWN)
    view = page.view
    first = page.events[0].number if page.events else 0
    failure_summary = failures.look(store, view)
    return tab_page(
        request,
        "deployments/show.html",
        view,
        tab="Output",
        bars=bars(view.steps, view.usual, datetime.now(UTC)),
        failures=failure_summary,
        failed=failed(view, failure_summary),
        timing=find_timing(store, view),
        output=sections_of(lines(page.events), view.steps),
        earlier=first if first > 1 else 0,
        latest_shown=page.newest,
        commit_page=find_commit(store, _id(request))[1],
        messages=of_deployment(store, view.deployment.id),
        **approval_parts(request, view.deployment),
    )


async def search(request: Request) -> Response:
    """Search the output; wait for a place, since a search reads many rows."""
    async with place(deps(request).search_places, "search"):
        return await run_in_threadpool(_search, request)


def _search(request: Request) -> Response:
    """Show the matching lines of a deployment, each with a link to its context."""
    wanted, after = search_query.read(request)
    result = look_for(deps(request).store, _id(request), wanted, after)
    page = f"/deployments/{_id(request)}"
    matches = lines(result.events, page, wanted.text)
    further = request.url.include_query_params(after=result.further)
    return deps(request).renderer.page(
        request,
        "deployments/search.html",
        result=result,
        wanted=wanted,
        parts=tasks_of(matches),
        count=len(matches),
        results=[*TaskResult, StepState.SUCCESS, StepState.FAILURE, StepState.RUNNING],
        further=f"{page}/search?{further.query}" if result.further else "",
    )


async def events(request: Request) -> Response:
    """Stream the fragments that keep a deployment's page up to date."""
    return await _stream(request, html=True)


async def api_events(request: Request) -> Response:
    """Stream a deployment's state and events as JSON."""
    return await _stream(request, html=False)


def download(request: Request) -> Response:
    """Download the whole output as it was printed, or follow it."""
    return send_output(request, _id(request))


def cancel(request: Request) -> Response:
    """Request that a deployment is canceled, and redirect to its page."""
    cancel_deployment(
        deps(request).store, deps(request).queue, actor_of(request), _id(request)
    )
    return RedirectResponse(f"/deployments/{_id(request)}", 303)


@with_artifacts
def list_artifacts(request: Request) -> Response:
    """List the artifacts of a deployment, by folder."""
    view = deploy.view(deps(request).store, _id(request))
    skip = number(request.query_params, "skip") or 0
    branches = artifacts.tree(
        deps(request).store, deps(request).settings, view.deployment, skip, LISTED
    )
    return tab_page(
        request,
        "deployments/artifacts.html",
        view,
        tab="Artifacts",
        branches=[branch for branch in branches if branch.count],
        listed=LISTED,
    )


@with_artifacts
def artifact(request: Request) -> Response:
    """Show or download one artifact."""
    if request.query_params.get("download"):
        return _as_file(request)
    view = deploy.view(deps(request).store, _id(request))
    name = request.path_params["path"]
    path = artifacts.file(deps(request).store, deps(request).settings,
                          view.deployment, name)  # fmt: skip
    content, cut = artifact_text.read(path)
    return deps(request).renderer.page(
        request,
        "deployments/artifact.html",
        deployment=view.deployment,
        name=name,
        content=content,
        cut=cut,
    )


@with_artifacts
def download_artifact(request: Request) -> Response:
    """Download one artifact as an attachment, so that a browser doesn't render it."""
    return _as_file(request)


def _as_file(request: Request) -> Response:
    view = deploy.view(deps(request).store, _id(request))
    path = artifacts.file(deps(request).store, deps(request).settings,
                          view.deployment, request.path_params["path"])  # fmt: skip
    return FileResponse(path, filename=path.name, media_type="application/octet-stream")


@with_artifacts
def archive(request: Request) -> Response:
    """Download all artifacts of a deployment as one archive."""
    view = deploy.view(deps(request).store, _id(request))
    content = artifacts.archive(
        deps(request).store, deps(request).settings, view.deployment
    )
    return Download(
        content,
        deps(request).download_places,
        name=f"{view.deployment.service_name}-{view.deployment.id}-artifacts.tar.gz",
        media_type="application/gzip",
    )


async def _stream(request: Request, *, html: bool) -> Response:
    deployment_id = _id(request)
    # Look before the stream starts, so that a missing deployment is a 404.
    deployment = await run_in_threadpool(
        deploy.find, deps(request).store, deployment_id
    )
    after = number(request.query_params, "after") or 0
    # A browser that reconnects requests the same URL and sends its position here.
    last_event_id = request.headers.get("last-event-id", "")
    if re.fullmatch("[0-9]{1,10}", last_event_id):
        after = int(last_event_id)
    look = deps(request).look_html if html else deps(request).look_json
    return stream(
        deps(request).feed,
        look,
        deployment_id,
        # With a number beyond the last event, the stream would skip the next events.
        min(after, deployment.last_event),
        allowed=still_allowed(request),
    )


def _id(request: Request) -> int:
    deployment_id: int = request.path_params["id"]
    return deployment_id
