"""Messages about deployments: written, claimed and finished."""

from typing import Any

from app.domain.notification import MessageState, Notification
from app.queue import make_queue
from app.settings import Settings
from app.store import notifications as rows
from app.store.store import Store
from app.usecases import cancel, record
from testing.factories import ROOT, make_service, request_deployment, start_deployment

ALL = [{"on": ["failed", "recovered", "late"], "to": "ops"}]


def run(store: Store, settings: Settings, exit_code: int | None, **config: Any) -> int:
    """Run a deployment to its end; without an exit code it is canceled first."""
    service = make_service(**{"notify": ALL} | config)
    if exit_code is None:
        number = request_deployment(store, settings, service)
        cancel.cancel(store, make_queue(settings), ROOT, number)
        return number
    number = start_deployment(store, settings, service).id
    record.finish(store, number, exit_code)
    return number


def written(store: Store) -> list[tuple[int | None, str, str]]:
    """Return the deployment, event and channel of each message, oldest first."""
    with store.begin() as db:
        found = reversed(rows.latest(db))
        return [(each.deployment_id, each.event, each.channel) for each in found]


def claim(store: Store, node: str = "here") -> Notification | None:
    """Claim the next message for a node."""
    with store.begin() as db:
        return rows.claim(db, node)


def finish(store: Store, claimed: Notification, state: MessageState) -> bool:
    """Store the result of a claimed message; return False if it came too late."""
    with store.begin() as db:
        return rows.finish(db, claimed, state, error="e")
