"""The event stream of a deployment: fragments for a page, JSON for a script."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import orjson

from app.store.access_watch import Allowed
from app.store.event_stream import Feed, Look
from app.store.store import Store
from app.usecases import failures, results, timing
from app.usecases.event_stream import News, look
from app.web.live_response import LiveResponse
from app.web.render import Renderer
from app.web.response_bodies import deployment_body, event_body

#: A comment, which clients ignore.
_PING = b": ping\r\n\r\n"
#: What ends a line of an event stream.
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Piece:
    """Encoded news about a deployment, for every client that watches it."""

    after: int
    last: int
    more: bool
    complete: bool
    content: bytes

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self.content)


def html_pieces(store: Store, renderer: Renderer) -> Look[Piece]:
    """Return a function that renders the news of a deployment as fragments."""

    def look_html(deployment_id: int, after: int | None, up_to: int | None) -> Piece:
        news = look(store, deployment_id, after, up_to)
        if not news.complete:
            so_far = results.summary_so_far(store, news.view)
            return _piece(news, renderer.fragments(news.view, news.events, so_far))
        summary = results.summary_of(store, deployment_id)
        failure_summary = failures.look(store, news.view)
        spent = timing.of_view(store, news.view)
        fragments = renderer.summary(news.view, failure_summary, summary, spent)
        rescued = results.rescued(store, deployment_id, summary.recap)
        fragments |= renderer.fragments(news.view, news.events, summary, rescued)
        return _piece(news, fragments)

    return look_html


def json_pieces(store: Store) -> Look[Piece]:
    """Return a function that encodes the state and events of a deployment as JSON."""

    def look_json(deployment_id: int, after: int | None, up_to: int | None) -> Piece:
        news = look(store, deployment_id, after, up_to)
        fragments = {"deployment": deployment_body(news.view).model_dump_json()}
        if news.events:
            events = [event_body(event) for event in news.events]
            fragments["events"] = orjson.dumps(events).decode()
        return _piece(news, fragments)

    return look_json


def stream(
    feed: Feed,
    look_at: Look[Piece],
    deployment_id: int,
    after: int,
    allowed: Allowed,
) -> LiveResponse:
    """Stream the news after event `after` until the deployment has ended.

    The stream also ends when `allowed` returns False: the client has lost access.
    """

    async def pieces() -> AsyncGenerator[bytes]:
        async with aclosing(
            feed.follow(deployment_id, look_at, after, allowed)
        ) as found:
            async for piece in found:
                yield piece.content

    return LiveResponse(pieces(), media_type="text/event-stream", ping=_PING)


def _piece(news: News, fragments: Mapping[str, str]) -> Piece:
    """Encode fragments as server-sent events.

    The id of the last one is the number of the last event: a client that has received
    it has received the whole piece.
    """
    names = list(fragments)
    sent = [
        _event(name, fragments[name], news.last if name == names[-1] else None)
        for name in names
    ]
    if news.complete:
        sent.append(_event("end", ""))
    return Piece(news.after, news.last, news.more, news.complete, b"".join(sent))


def _event(name: str, data: str, number: int | None = None) -> bytes:
    """Encode a server-sent event; each line of its data is a field."""
    fields = [] if number is None else [f"id: {number}"]
    fields.append(f"event: {name}")
    fields += [f"data: {line}" for line in _LINE_END.split(data)]
    return ("\r\n".join(fields) + "\r\n\r\n").encode()
