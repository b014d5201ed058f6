"""Write the messages about deployments; a worker sends them."""

import uuid

from sqlalchemy import Connection

from app.domain.deployment import Deployment, Status
from app.domain.notification import COUNTED, Notification, event_of, finds_drift
from app.domain.notify_rules import NotifyEvent, channels
from app.domain.service import Service
from app.store import deployments, files, notifications, results
from app.store.store import Store

#: The number of changed results of a check that are compared and counted.
MAX_DRIFT = 1000


def note_end(db: Connection, deployment: Deployment, outcome: Status) -> None:
    """Write the messages about the end of a deployment, in the transaction of the end.

    Partial deployments and canceled ones don't count, and nobody is notified of them,
    but for the drift that a check finds, and for edits of files outside FastDeploy.
    """
    rules = deployment.service.notify
    if channels(rules, NotifyEvent.EDITED_OUTSIDE) and files.edits(
        db, [deployment.id], limit=1
    ):
        _write(db, deployment.id, deployment.service, NotifyEvent.EDITED_OUTSIDE)
    if rules and finds_drift(deployment, outcome):
        _note_drift(db, deployment)
    if not rules or not deployment.counts or outcome not in COUNTED:
        return
    before = notifications.last_counted(
        db, service_id=deployment.service_id, but=deployment.id
    )
    event = event_of(outcome, before[1] if before else None)
    if event is not None:
        _write(db, deployment.id, deployment.service, event)


def _note_drift(db: Connection, deployment: Deployment) -> None:
    """Write the messages if a check would change more than the one before it."""
    if not channels(deployment.service.notify, NotifyEvent.DRIFT):
        return
    found = results.changed(db, deployment.id, MAX_DRIFT)
    before = notifications.check_before(db, deployment)
    known = results.changed(db, before, MAX_DRIFT) if before else []
    if set(found) - set(known):
        _write(db, deployment.id, deployment.service, NotifyEvent.DRIFT)


def note_waiting(db: Connection, deployment_id: int, service: Service) -> None:
    """Write the messages about a new deployment that waits for an approval."""
    _write(db, deployment_id, service, NotifyEvent.WAITING_FOR_APPROVAL)


def note_late(store: Store) -> int:
    """Write the messages about late deployments; return the number of deployments."""
    with store.begin() as db:
        found = notifications.late(db)
        for number in found:
            locked = deployments.lock(db, number)
            # It may have ended since.
            if locked and not locked.deployment.ended:
                service = locked.deployment.service
                _write(db, number, service, NotifyEvent.LATE)
    return len(found)


def of_deployment(store: Store, deployment_id: int) -> list[Notification]:
    """Return the messages about a deployment, oldest first."""
    with store.begin() as db:
        return notifications.of_deployment(db, deployment_id)


def skip_all(db: Connection) -> int:
    """Skip what a restored database has to send: it may have been sent since."""
    return notifications.skip_all(
        db, "it waited when the backup was made that FastDeploy was restored from"
    )


def _write(
    db: Connection, deployment_id: int, service: Service, event: NotifyEvent
) -> None:
    names = channels(service.notify, event)
    messages = [(name, uuid.uuid4().hex) for name in names]
    notifications.add(db, deployment_id, event, messages)
