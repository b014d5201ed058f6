"""Messages to channels in PostgreSQL; a worker claims a message before it sends it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    delete,
    exists,
    func,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.domain.deployment import Deployment, Origin, Status
from app.domain.notification import (
    LATE_AFTER,
    RESENDABLE,
    TEST,
    MessageState,
    Notification,
)
from app.domain.notify_rules import NotifyEvent
from app.store import late_runs
from app.store.approval_tables import approvals
from app.store.deployment_tables import counts, deployments
from app.store.notification_tables import notifications

#: The time after which a worker that sends a message counts as lost.
LEASE = timedelta(minutes=3)
#: The time for which tests are kept.
_KEEP_TESTS = timedelta(days=30)
_WAITS, _SENDS = MessageState.PENDING.value, MessageState.SENDING.value
_c = notifications.c


def add(
    db: Connection,
    deployment_id: int,
    event: NotifyEvent,
    messages: Iterable[tuple[str, str]],
) -> None:
    """Insert messages about an event of a deployment: pairs of channel and key.

    A message that there is already stays as it is.
    """
    for channel, key in messages:
        db.execute(
            insert(notifications)
            .values(
                deployment_id=deployment_id,
                event=event.value,
                channel=channel,
                key=key,
                state=_WAITS,
            )
            .on_conflict_do_nothing(
                index_elements=["deployment_id", "event", "channel"]
            )
        )


def add_test(db: Connection, channel: str, key: str) -> None:
    """Insert a test message, and delete old ones."""
    db.execute(
        delete(notifications).where(
            _c.deployment_id.is_(None), _c.created_at < func.now() - _KEEP_TESTS
        )
    )
    db.execute(
        insert(notifications).values(event=TEST, channel=channel, key=key, state=_WAITS)
    )


def claim(db: Connection, node: str) -> Notification | None:
    """Claim the next due message for a node; None if there is none.

    A channel receives one message at a time, so that a receiver that hangs doesn't
    delay others. A claim that is older than LEASE is taken over.
    """
    other = notifications.alias("other")
    busy = exists().where(
        other.c.channel == _c.channel,
        other.c.id != _c.id,
        other.c.state == _SENDS,
        other.c.next_at > func.now(),
    )
    due = (
        select(_c.id)
        .where(_c.state.in_((_WAITS, _SENDS)), _c.next_at <= func.now(), ~busy)
        .order_by(_c.next_at, _c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=notifications)
        .scalar_subquery()
    )
    row = db.execute(
        update(notifications)
        .where(_c.id == due)
        .values(
            state=_SENDS,
            node=node,
            attempts=_c.attempts + 1,
            next_at=func.now() + LEASE,
        )
        .returning(*_c)
    ).one_or_none()
    return None if row is None else _notification(row)


def release(db: Connection, node: str) -> int:
    """Give back the messages that a node was sending when it was killed."""
    return db.execute(
        update(notifications)
        .where(_c.state == _SENDS, _c.node == node)
        .values(state=_WAITS, next_at=func.now())
    ).rowcount


def finish(
    db: Connection,
    claimed: Notification,
    state: MessageState,
    *,
    error: str = "",
    delay: timedelta = timedelta(),
) -> bool:
    """Store the result of an attempt; False if another worker has taken it over."""
    values: dict[str, Any] = {"state": state.value, "error": error}
    if state is MessageState.SENT:
        values["sent_at"] = func.now()
    changed = db.execute(
        update(notifications)
        .where(
            _c.id == claimed.id,
            _c.state == _SENDS,
            _c.attempts == claimed.attempts,
        )
        .values(next_at=func.now() + delay, **values)
    )
    return changed.rowcount == 1


def send_again(db: Connection, number: int) -> bool:
    """Make a message due that wasn't sent; return False for any other message."""
    changed = db.execute(
        update(notifications)
        .where(_c.id == number, _c.state.in_([each.value for each in RESENDABLE]))
        .values(state=_WAITS, attempts=0, error="", next_at=func.now())
    )
    return changed.rowcount == 1


def skip_all(db: Connection, reason: str) -> int:
    """Skip the messages that haven't been sent."""
    return db.execute(
        update(notifications)
        .where(_c.state.in_((_WAITS, _SENDS)))
        .values(state=MessageState.SKIPPED.value, error=reason)
    ).rowcount


def find(db: Connection, number: int) -> Notification | None:
    """Return a message."""
    row = db.execute(select(notifications).where(_c.id == number)).one_or_none()
    return None if row is None else _notification(row)


def of_deployment(db: Connection, deployment_id: int) -> list[Notification]:
    """Return the messages about a deployment, oldest first."""
    query = select(notifications).where(_c.deployment_id == deployment_id)
    return [_notification(row) for row in db.execute(query.order_by(_c.id))]


def latest(
    db: Connection, *, channel: str | None = None, limit: int = 50
) -> list[Notification]:
    """Return the latest messages, newest first; of all channels by default."""
    query = select(notifications).order_by(_c.id.desc()).limit(limit)
    if channel is not None:
        query = query.where(_c.channel == channel)
    return [_notification(row) for row in db.execute(query)]


def late(db: Connection, limit: int = 100) -> list[int]:
    """Return the deployments that are late and whose service notifies of that.

    They are those of schedules that haven't started for LATE_AFTER since they were
    queued, and those of any origin that run longer than usual.
    """
    said = exists().where(
        _c.deployment_id == deployments.c.id, _c.event == NotifyEvent.LATE.value
    )
    rules = func.coalesce(deployments.c.config["notify"].as_string(), "")
    notifies = and_(rules.contains(f'"{NotifyEvent.LATE}"'), ~said)
    approved_at = (
        select(approvals.c.decided_at)
        .where(approvals.c.deployment_id == deployments.c.id)
        .scalar_subquery()
    )
    queued_at = func.coalesce(approved_at, deployments.c.created_at)
    waiting = select(deployments.c.id).where(
        deployments.c.finished_at.is_(None),
        deployments.c.status == Status.QUEUED.value,
        deployments.c.origin == Origin.SCHEDULE.value,
        deployments.c.partial.is_(False),
        queued_at < func.now() - LATE_AFTER,
        notifies,
    )
    overlong = late_runs.late_runs(notifies).with_only_columns(deployments.c.id)
    found = union_all(waiting, overlong).subquery()
    return list(db.scalars(select(found.c.id).order_by(found.c.id).limit(limit)))


def last_counted(
    db: Connection, *, service_id: int, but: int, before: datetime | None = None
) -> tuple[int, Status] | None:
    """Return the last counted deployment of a service that isn't `but`.

    Counted are complete deployments that succeeded, failed or exceeded their timeout.
    Queued deployments may overtake each other, so the time of the end decides, among
    the 20 with the highest ids. `before` is the latest time of its end.
    """
    counted = (Status.SUCCESSFUL.value, Status.FAILED.value, Status.TIMEOUT.value)
    conditions = [
        deployments.c.service_id == service_id,
        deployments.c.status.in_(counted),
        counts,
        deployments.c.id != but,
    ]
    if before is not None:
        conditions.append(deployments.c.finished_at <= before)
    newest = (
        select(deployments.c.id, deployments.c.status, deployments.c.finished_at)
        .where(*conditions)
        .order_by(deployments.c.id.desc())
        .limit(20)
        .subquery()
    )
    row = db.execute(
        select(newest.c.id, newest.c.status)
        .order_by(newest.c.finished_at.desc(), newest.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.id, Status(row.status))


def check_before(db: Connection, deployment: Deployment) -> int | None:
    """Return the last successful check that the schedule of a check has launched."""
    columns = deployments.c
    return db.scalar(
        select(columns.id)
        .where(
            columns.service_id == deployment.service_id,
            columns.id < deployment.id,
            columns.origin == Origin.SCHEDULE.value,
            columns.actor == deployment.actor,
            columns.options["check"].as_boolean(),
            columns.status == Status.SUCCESSFUL.value,
        )
        .order_by(columns.id.desc())
        .limit(1)
    )


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        id=row.id,
        deployment_id=row.deployment_id,
        event=row.event,
        channel=row.channel,
        state=MessageState(row.state),
        attempts=row.attempts,
        key=row.key,
        next_at=row.next_at,
        error=row.error,
        created_at=row.created_at,
        sent_at=row.sent_at,
    )
