"""Pages about deployments: the history, one deployment, its output and artifacts."""

import re
from collections.abc import Iterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from app.domain.deployment import Origin
from app.usecases import artifacts, deploy, live, output
from app.usecases.cancel import cancel as cancel_deployment
from app.web import filters, history
from app.web.context import actor_of, parts
from app.web.history import before
from app.web.live import stream
from app.web.render import lines

#: Events on a deployment's page, the newest; the earlier ones are a link away.
SHOWN = 1000
#: Artifacts listed on their page; there is one for each event.
LISTED = 2000
#: Characters of an artifact that its page shows.
SHOWN_ARTIFACT = 200_000


def index(request: Request) -> Response:
    """The latest deployments of all services, or those that a filter leaves."""
    tidied = history.tidy(request)
    if tidied is not None:
        return tidied
    asked = filters.read(request.query_params)
    return parts(request).renderer.page(
        request,
        "deployments/index.html",
        422 if asked.problems else 200,
        **history.listed(request),
    )


def show(request: Request) -> Response:
    """One deployment: complete as it is now, and the stream goes on from there."""
    page = output.page(parts(request).store, _id(request), before(request), SHOWN)
    first = page.events[0].number if page.events else 0
    return parts(request).renderer.page(
        request,
        "deployments/show.html",
        view=page.view,
        lines=lines(page.events),
        earlier=first if first > 1 else 0,
        latest_shown=page.newest,
        last=page.last,
        files=artifacts.count(parts(request).settings, _id(request)),
    )


async def events(request: Request) -> Response:
    """The stream that keeps a deployment's page up to date."""
    return await _stream(request, html=True)


async def api_events(request: Request) -> Response:
    """The same stream for a script."""
    return await _stream(request, html=False)


def download(request: Request) -> Response:
    """All of the output, as it was printed."""
    view = deploy.view(parts(request).store, _id(request))
    name = f"{view.deployment.service_name}-{view.deployment.id}.log"

    def content() -> Iterator[bytes]:
        yield from output.whole(parts(request).store, view.deployment.id)

    return StreamingResponse(
        content(),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def cancel(request: Request) -> Response:
    """Ask that a deployment ends, and go back to its page."""
    cancel_deployment(
        parts(request).store, parts(request).queue, actor_of(request), _id(request)
    )
    return RedirectResponse(f"/deployments/{_id(request)}", 303)


def retry(request: Request) -> Response:
    """Launch a deployment again that did not succeed, and go to the new one's page."""
    number = deploy.retry(
        parts(request).store,
        parts(request).queue,
        actor=actor_of(request),
        origin=Origin.BROWSER,
        deployment_id=_id(request),
    )
    return RedirectResponse(f"/deployments/{number}", 303)


def list_artifacts(request: Request) -> Response:
    """The files that ansible-runner leaves behind."""
    view = deploy.view(parts(request).store, _id(request))
    found = artifacts.listing(parts(request).store, parts(request).settings,
                              view.deployment)  # fmt: skip
    return parts(request).renderer.page(
        request,
        "deployments/artifacts.html",
        deployment=view.deployment,
        files=found[:LISTED],
        truncated=max(len(found) - LISTED, 0),
    )


def artifact(request: Request) -> Response:
    """One artifact, shown or downloaded."""
    view = deploy.view(parts(request).store, _id(request))
    name = request.path_params["path"]
    path = artifacts.file(parts(request).store, parts(request).settings,
                          view.deployment, name)  # fmt: skip
    if request.query_params.get("download"):
        return FileResponse(
            path, filename=path.name, media_type="application/octet-stream"
        )
    with path.open(errors="replace") as file:
        content = file.read(SHOWN_ARTIFACT + 1)
    return parts(request).renderer.page(
        request,
        "deployments/artifact.html",
        deployment=view.deployment,
        name=name,
        content=content[:SHOWN_ARTIFACT],
        cut=len(content) > SHOWN_ARTIFACT,
    )


async def _stream(request: Request, *, html: bool) -> Response:
    deployment_id = _id(request)
    # Before the stream begins, so that what isn't there is a 404.
    await run_in_threadpool(live.look, parts(request).store, deployment_id, None)
    asked = request.headers.get("last-event-id") or request.query_params.get("after")
    after = int(asked) if asked and re.fullmatch("[0-9]{1,10}", asked) else 0
    look = parts(request).look_html if html else parts(request).look_json
    return stream(parts(request).feed, look, deployment_id, min(after, 2**31 - 1))


def _id(request: Request) -> int:
    number: int = request.path_params["id"]
    return number
