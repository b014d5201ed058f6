"""What a deployment printed: a page of it, or the whole."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.store import events
from app.store.events import Event
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View

#: Bytes of a piece: a response hops between threads for each, so a line is too little.
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """A deployment with some of its events: the newest, or those before a number.

    `last` is the number of the newest event there is at this moment.
    """

    view: View
    events: list[Event]
    last: int
    newest: bool


def page(store: Store, deployment_id: int, before: int | None, limit: int) -> Page:
    """The last `limit` events before a number, or before now; raises NotFound."""
    with store.begin() as db:
        view = deploy.view_in(db, deployment_id)
        last = view.deployment.last_event
        end = last + 1 if before is None else before
        found = events.read_before(db, deployment_id, before=end, limit=limit)
    return Page(view, found, last, before is None)


def whole(store: Store, deployment_id: int) -> Iterator[bytes]:
    """Everything that was printed, in pieces of about PIECE bytes."""
    piece = bytearray()
    with store.begin() as db:
        for line in events.stream_output(db, deployment_id):
            piece += line
            if len(piece) >= PIECE:
                yield bytes(piece)
                piece.clear()
    yield bytes(piece)
