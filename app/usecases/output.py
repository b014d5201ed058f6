"""Read the output of a deployment: a page of it, or all."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from app.domain.deployment import Deployment
from app.errors import Conflict
from app.store import events
from app.store import output as printed
from app.store.events import Event
from app.store.output import Stretch
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutputPage:
    """A deployment with some of its events: the newest, or those before a number.

    `last` is the number of the newest event at this moment.
    """

    view: View
    events: list[Event]
    last: int
    newest: bool


def page(
    store: Store, deployment_id: int, before: int | None, limit: int
) -> OutputPage:
    """Return the last `limit` events before a number or now; raises NotFound."""
    with store.begin() as db:
        view = deploy.view_in(db, deployment_id)
        last = view.deployment.last_event
        end = last + 1 if before is None else before
        found = events.read_before(db, deployment_id, before=end, limit=limit)
    return OutputPage(view, found, last, before is None)


def whole(store: Store, deployment_id: int) -> Generator[bytes]:
    """Yield the complete output so far, in pieces of some hundred kilobytes.

    Each piece is read in its own transaction, which ends before the piece is yielded,
    so a slow reader holds no connection. Raises NotFound, and Conflict if the output is
    removed meanwhile.
    """
    found = deploy.find(store, deployment_id)
    read = partial(printed.read_output, script=found.service.playbook is None)
    for stretch in _stretches(store, found, read):
        yield b"".join(stretch.content)


def displayed(store: Store, deployment_id: int) -> Generator[bytes]:
    """Yield the output as a terminal shows it: the display text of each event.

    This also applies to scripts. Transactions and errors are those of `whole`.
    """
    found = deploy.find(store, deployment_id)
    read = partial(printed.read_output, script=False)
    for stretch in _stretches(store, found, read):
        yield b"".join(stretch.content)


def reported(store: Store, deployment_id: int) -> Generator[str]:
    """Yield ansible-runner's events as JSON, in order; otherwise like `whole`."""
    found = deploy.find(store, deployment_id)
    for stretch in _stretches(store, found, printed.read_data):
        yield from stretch.content


def _stretches(
    store: Store,
    deployment: Deployment,
    read: Callable[..., Stretch[T] | None],
) -> Generator[Stretch[T]]:
    last = deployment.last_event
    after = 0
    while after < last:
        with store.begin() as db:
            found = read(db, deployment.id, after=after, up_to=last)
        if after and (found is None or found.first != after + 1):
            raise Conflict(
                f"the output of deployment {deployment.id} was removed while it was "
                "read: its retention limit was reached"
            )
        if found is None:
            return
        yield found
        after = found.last
