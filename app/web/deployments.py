"""Pages about deployments: the history, one deployment, its output and artifacts."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from app.domain import json_text
from app.domain.access import Permission
from app.domain.deployment import Origin
from app.domain.events import StepState, TaskResult
from app.domain.matrix import label
from app.domain.recap import changes
from app.domain.timeline import bars
from app.store.search import SearchQuery
from app.usecases import artifacts, deploy, event_stream, failures, output, results
from app.usecases.cancel import cancel as cancel_deployment
from app.usecases.search import look as look_for
from app.web import filters, forms, history
from app.web.concurrency_limit import place
from app.web.dependencies import actor_of, deps
from app.web.download import Download
from app.web.event_stream import stream
from app.web.history import before
from app.web.login import may
from app.web.on_demand import with_artifacts
from app.web.query import SMALLINT, number
from app.web.render import context, failed, lines, sections_of, tasks_of

#: Events on a deployment's page, the newest; the earlier ones are a link away.
SHOWN = 300
#: Characters of a text, host or result that is looked for.
MAX_WANTED = 500
#: Artifacts of a folder that are listed on their page; there is one for each event.
LISTED = 500
#: Characters of an artifact that its page shows, and of JSON that it lays out.
SHOWN_ARTIFACT = 200_000
MAX_JSON = 2_000_000
#: Searches that PostgreSQL reads for at once.
SEARCHES_AT_ONCE = 2


def index(request: Request) -> Response:
    """The latest deployments of all services, or those that a filter leaves."""
    tidied = history.tidy(request)
    if tidied is not None:
        return tidied
    asked = filters.read(request.query_params)
    return deps(request).renderer.page(
        request,
        "deployments/index.html",
        422 if asked.problems else 200,
        **history.listed(request),
    )


def show(request: Request) -> Response:
    """One deployment: complete as it is now, and the stream goes on from there."""
    store = deps(request).store
    page = output.page(store, _id(request), before(request), SHOWN)
    view = page.view
    first = page.events[0].number if page.events else 0
    found = failures.look(store, view)
    summary = results.summary_of(store, _id(request))
    return deps(request).renderer.page(
        request,
        "deployments/show.html",
        view=view,
        bars=bars(view.steps, view.usual, datetime.now(UTC)),
        failures=found,
        failed=failed(view, found),
        matrix=results.matrix(store, view, results.SMALL),
        summary=summary,
        changes=changes(summary.recap),
        output=sections_of(lines(page.events), view.steps),
        earlier=first if first > 1 else 0,
        latest_shown=page.newest,
        last=page.last,
        idempotency_key=forms.new_key(),
    )


async def search(request: Request) -> Response:
    """Look for lines, when there is a place: PostgreSQL reads very many for it."""
    async with place(deps(request).search_places, "search"):
        return await run_in_threadpool(_search, request)


def _search(request: Request) -> Response:
    """The lines of a deployment that are looked for, each with the way to it."""
    typed = request.query_params
    wanted = SearchQuery(
        text=typed.get("text", "")[:MAX_WANTED],
        host=typed.get("host", "")[:MAX_WANTED],
        result=typed.get("result", "")[:MAX_WANTED],
        step=number(typed, "step", most=SMALLINT),
    )
    after = number(typed, "after") or 0
    found = look_for(deps(request).store, _id(request), wanted, after)
    page = f"/deployments/{_id(request)}"
    shown = lines(found.events, page, wanted.text)
    further = request.url.include_query_params(after=found.further)
    return deps(request).renderer.page(
        request,
        "deployments/search.html",
        found=found,
        wanted=wanted,
        parts=tasks_of(shown),
        count=len(shown),
        results=[*TaskResult, StepState.SUCCESS, StepState.FAILURE, StepState.RUNNING],
        further=f"{page}/search?{further.query}" if found.further else "",
    )


def list_results(request: Request) -> Response:
    """The matrix: tasks and hosts, a window of both."""
    view = deploy.view(deps(request).store, _id(request))
    hosts_after = request.query_params.get("hosts_after", "").replace("\0", "")
    window = replace(results.LARGE, before=before(request), hosts_after=hosts_after)

    def address(**changed: object) -> str:
        query = request.url.include_query_params(**changed).query
        return f"/deployments/{view.deployment.id}/results?{query}"

    return deps(request).renderer.page(
        request,
        "deployments/results.html",
        deployment=view.deployment,
        matrix=results.matrix(deps(request).store, view, window),
        hosts_after=hosts_after,
        address=address,
    )


def result(request: Request) -> Response:
    """The result of one task on one host, with all that it told."""
    event = request.path_params["number"]
    shown = results.find(deps(request).store, _id(request), event)
    return deps(request).renderer.page(
        request,
        "deployments/result.html",
        shown=shown,
        task=label(shown.recorded.task),
        line=context(f"/deployments/{_id(request)}", event),
    )


async def events(request: Request) -> Response:
    """The stream that keeps a deployment's page up to date."""
    return await _stream(request, html=True)


async def api_events(request: Request) -> Response:
    """The same stream for a script."""
    return await _stream(request, html=False)


def download(request: Request) -> Response:
    """All of the output, as it was printed."""
    view = deploy.view(deps(request).store, _id(request))
    return Download(
        output.whole(deps(request).store, view.deployment.id),
        name=f"{view.deployment.service_name}-{view.deployment.id}.log",
        media_type="text/plain; charset=utf-8",
    )


def cancel(request: Request) -> Response:
    """Ask that a deployment ends, and go back to its page."""
    cancel_deployment(
        deps(request).store, deps(request).queue, actor_of(request), _id(request)
    )
    return RedirectResponse(f"/deployments/{_id(request)}", 303)


def retry(request: Request, form: FormData) -> Response:
    """Launch an ended deployment again, as it was, and go to the new one's page."""
    launched = deploy.retry(
        deps(request).store,
        deps(request).queue,
        deps(request).secret_box,
        actor=actor_of(request),
        origin=Origin.BROWSER,
        deployment_id=_id(request),
        idempotency_key=forms.key_in(form),
    )
    return RedirectResponse(f"/deployments/{launched}", 303)


@with_artifacts
def list_artifacts(request: Request) -> Response:
    """The files that ansible-runner leaves behind, by folder."""
    view = deploy.view(deps(request).store, _id(request))
    skip = number(request.query_params, "skip") or 0
    found = artifacts.tree(
        deps(request).store, deps(request).settings, view.deployment, skip, LISTED
    )
    return deps(request).renderer.page(
        request,
        "deployments/artifacts.html",
        deployment=view.deployment,
        branches=[branch for branch in found if branch.count],
        listed=LISTED,
    )


@with_artifacts
def artifact(request: Request) -> Response:
    """One artifact, shown or downloaded."""
    if request.query_params.get("download"):
        return _as_file(request)
    view = deploy.view(deps(request).store, _id(request))
    name = request.path_params["path"]
    path = artifacts.file(deps(request).store, deps(request).settings,
                          view.deployment, name)  # fmt: skip
    content, cut = _readable(path)
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
    """One artifact as it is, to be kept as a file: no browser is to show it."""
    return _as_file(request)


def _as_file(request: Request) -> Response:
    view = deploy.view(deps(request).store, _id(request))
    path = artifacts.file(deps(request).store, deps(request).settings,
                          view.deployment, request.path_params["path"])  # fmt: skip
    return FileResponse(path, filename=path.name, media_type="application/octet-stream")


@with_artifacts
def archive(request: Request) -> Response:
    """All artifacts of a deployment as one file."""
    view = deploy.view(deps(request).store, _id(request))
    content = artifacts.archive(
        deps(request).store, deps(request).settings, view.deployment
    )
    return Download(
        content,
        name=f"{view.deployment.service_name}-{view.deployment.id}-artifacts.tar.gz",
        media_type="application/gzip",
    )


def _readable(path: Path) -> tuple[str, bool]:
    """What an artifact's page shows of it, JSON laid out, and whether that is all."""
    with path.open(errors="replace") as file:
        content = file.read(MAX_JSON + 1)
    if path.suffix == ".json" and len(content) <= MAX_JSON:
        with suppress(orjson.JSONDecodeError):
            content = json_text.dumps(orjson.loads(content), indent=True)
    return content[:SHOWN_ARTIFACT], len(content) > SHOWN_ARTIFACT


async def _stream(request: Request, *, html: bool) -> Response:
    deployment_id = _id(request)
    # Before the stream begins, so that what isn't there is a 404.
    news = await run_in_threadpool(
        event_stream.look, deps(request).store, deployment_id, None
    )
    after = number(request.query_params, "after") or 0
    # A browser that reconnects repeats the address, and says here where it was.
    seen = request.headers.get("last-event-id", "")
    if re.fullmatch("[0-9]{1,10}", seen):
        after = int(seen)
    look = deps(request).look_html if html else deps(request).look_json
    return stream(
        deps(request).feed,
        look,
        deployment_id,
        # A number beyond the last event would wait for events that never come.
        min(after, news.last),
        allowed=lambda: may(request, Permission.VIEW),
    )


def _id(request: Request) -> int:
    deployment_id: int = request.path_params["id"]
    return deployment_id
