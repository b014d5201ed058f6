"""The traces that are to be sent, and what they are made of, in PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Update, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.events import TASK_START, TaskResult
from app.domain.trace import (
    MAX_SPANS,
    Delivery,
    HostDone,
    Link,
    PlayStarted,
    RunEvent,
    TaskStarted,
)
from app.store.deployment_tables import events
from app.store.trace_tables import traces
from app.store.webhook_tables import webhook_deliveries, webhook_launches, webhooks

#: The time after which another worker sends a trace that was taken.
TAKEN = timedelta(minutes=2)
_PLAY_START = "playbook_on_play_start"
_c = traces.c


@dataclass(frozen=True, slots=True)
class TakenTrace:
    """A trace that was taken; `attempts` includes this one."""

    deployment_id: int
    parent: Link | None
    attempts: int


def set_parent(db: Connection, deployment_id: int, parent: Link) -> None:
    """Store which span has launched a deployment."""
    db.execute(
        insert(traces).values(
            deployment_id=deployment_id, parent=f"{parent.trace_id}-{parent.span_id}"
        )
    )


def add(db: Connection, deployment_id: int) -> None:
    """Make the trace of an ended deployment due, unless it was sent or given up."""
    db.execute(
        insert(traces)
        .values(deployment_id=deployment_id, due_at=func.now())
        .on_conflict_do_update(
            index_elements=["deployment_id"],
            set_={"due_at": func.now()},
            where=_c.due_at.is_(None) & _c.settled_at.is_(None),
        )
    )


def take_due(db: Connection) -> TakenTrace | None:
    """Take a trace that is due, so that no other worker sends it."""
    due = (
        select(_c.deployment_id)
        .where(_c.due_at <= func.now())
        .order_by(_c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = db.execute(
        update(traces)
        .where(_c.deployment_id == due)
        .values(attempts=_c.attempts + 1, due_at=func.now() + TAKEN)
        .returning(*_c)
    ).one_or_none()
    if row is None:
        return None
    parent = Link(*row.parent.split("-")) if row.parent else None
    return TakenTrace(row.deployment_id, parent, row.attempts)


def settle(db: Connection, taken: TakenTrace) -> None:
    """Store that a trace was sent, or given up, unless another worker has taken it."""
    db.execute(_still(taken).values(due_at=None, settled_at=func.now()))


def put_off(db: Connection, taken: TakenTrace, seconds: float) -> None:
    """Let a trace be sent again later, unless another worker has taken it."""
    db.execute(_still(taken).values(due_at=func.now() + timedelta(seconds=seconds)))


def _still(taken: TakenTrace) -> Update:
    return update(traces).where(
        _c.deployment_id == taken.deployment_id,
        _c.attempts == taken.attempts,
        _c.settled_at.is_(None),
    )


def delivery_of(db: Connection, deployment_id: int) -> Delivery | None:
    """Return the delivery of a webhook that has launched a deployment."""
    row = db.execute(
        select(
            webhook_deliveries.c.id, webhooks.c.name, webhook_deliveries.c.received_at
        )
        .join(
            webhook_launches, webhook_launches.c.delivery_id == webhook_deliveries.c.id
        )
        .join(webhooks, webhooks.c.id == webhook_deliveries.c.webhook_id)
        .where(webhook_launches.c.deployment_id == deployment_id)
    ).one_or_none()
    return None if row is None else Delivery(row[0], row[1], row[2])


def run_events(db: Connection, deployment_id: int) -> Iterator[RunEvent]:
    """Yield the plays, tasks and results of a run in order, at most MAX_SPANS."""
    is_result = events.c.host.is_not(None) & events.c.result.is_not(None)
    # Only the start of a play needs its data, which has the name.
    data = text("CASE WHEN name = :play THEN data END AS data")
    rows = db.execute(
        select(events.c.at, events.c.name, events.c.host, events.c.task,
               events.c.result, events.c.seconds, data)
        .where(
            events.c.deployment_id == deployment_id,
            or_(events.c.name.in_((_PLAY_START, TASK_START)), is_result),
        )
        .order_by(events.c.number)
        .limit(MAX_SPANS),
        {"play": _PLAY_START},
    )  # fmt: skip
    for row in rows:
        yield _run_event(row)


def _run_event(row: Any) -> RunEvent:  # a row of `run_events`
    if row.name == _PLAY_START:
        return PlayStarted(row.at, _play(row.data))
    if row.name == TASK_START:
        return TaskStarted(row.at, row.task or "")
    begin: datetime = row.at - timedelta(seconds=row.seconds or 0.0)
    return HostDone(row.at, row.task or "", row.host, TaskResult(row.result), begin)


def _play(data: str | None) -> str:
    """Return the name of a play. A script may print events of any shape."""
    found = orjson.loads(data or "{}").get("event_data")
    name = found.get("play") if isinstance(found, dict) else None
    return name[:200] if isinstance(name, str) else ""
