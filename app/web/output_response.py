"""The output of a deployment as plain text: what there is, or followed to its end."""

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from app.domain.deployment import Deployment
from app.store.event_stream import Look
from app.store.store import Store
from app.usecases import deploy, output, output_stream
from app.usecases.output_stream import PrintedNews
from app.web.dependencies import deps
from app.web.download import Download
from app.web.live_response import Interrupted, LiveResponse
from app.web.login import still_allowed
from app.web.query import BIGINT, number

_TEXT = "text/plain; charset=utf-8"


def printed_pieces(store: Store) -> Look[PrintedNews]:
    """Return a function that reads the news of a deployment as it printed them."""
    return partial(output_stream.look, store)


def send_output(request: Request, deployment_id: int) -> Response:
    """Send the output of a deployment; with `follow=1` until it has ended.

    `offset` leaves out that number of bytes, so that an interrupted request can be
    continued. Raises NotFound.
    """
    query = request.query_params
    offset = number(query, "offset", most=BIGINT) or 0
    follow = number(query, "follow", most=1) and request.method == "GET"
    deployment = deploy.find(deps(request).store, deployment_id)
    if follow:
        name = file_name(deployment, ".log")
        return LiveResponse(
            _follow(request, deployment, offset),
            media_type=_TEXT,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    content = output.whole(deps(request).store, deployment.id)
    return Download(
        _behind(offset, content) if offset else content,
        deps(request).download_places,
        name=file_name(deployment, ".log"),
        media_type=_TEXT,
    )


def file_name(deployment: Deployment, suffix: str) -> str:
    """Return the name of a file about a deployment, without folders."""
    return f"{deployment.service_name.replace('/', '-')}-{deployment.id}{suffix}"


def _behind(offset: int, pieces: Generator[bytes]) -> Generator[bytes]:
    """Yield the content without its first bytes; close the generator at the end."""
    try:
        for piece in pieces:
            if piece[offset:]:
                yield piece[offset:]
            offset = max(offset - len(piece), 0)
    finally:
        pieces.close()


async def _follow(
    request: Request, deployment: Deployment, offset: int
) -> AsyncGenerator[bytes]:
    pieces = deps(request).feed.follow(
        deployment.id, deps(request).look_printed, 0, allowed=still_allowed(request)
    )
    async with aclosing(pieces):
        async for piece in pieces:
            if piece.content[offset:]:
                yield piece.content[offset:]
            offset = max(offset - len(piece.content), 0)
            if piece.complete:
                return
    raise Interrupted
