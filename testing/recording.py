"""Record events of a run, and read what is recorded."""

from app.domain.events import EventKind
from app.store import events
from app.store.events import Occurrence
from app.store.store import Store
from app.usecases import deploy, record
from app.usecases.record import Place
from app.worker.translate import translate
from testing.factories import (
    NOW,
)


def kinds(store: Store, deployment_id: int) -> list[EventKind]:
    """Return the kinds of the events of a deployment."""
    with store.begin() as db:
        return [event.kind for event in events.read(db, deployment_id)]


def take_in(store: Store, deployment_id: int, *lines: bytes) -> None:
    """Fold and record lines as a follower does."""
    found = deploy.find(store, deployment_id)
    steps = record.stored_steps(store, deployment_id)
    batch = []
    for line in lines:
        event = translate(line)
        batch.append(Occurrence(NOW, event, steps.apply(event, NOW)))
    record.record(
        store,
        deployment_id,
        was=Place(found.journal_offset, found.last_event),
        offset=found.journal_offset + sum(len(line) + 1 for line in lines),
        batch=batch,
        changed=steps.take_changed(),
    )
