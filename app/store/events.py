"""The event log of each deployment: append-only and numbered 1, 2, 3 …."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, func, select, text

from app.domain import json_text
from app.domain.events import (
    SPEED,
    EventKind,
    HostKeyRefused,
    HostKeysUnchecked,
    JournalEvent,
    Notice,
    Output,
    RunnerEvent,
    RunnerStatus,
    SpeedChosen,
    StepReported,
    StepState,
)
from app.domain.steps import MAX_NAME, cut
from app.store.deployment_tables import events

#: NOTIFY channel for deployments with news; the payload is the id.
CHANNEL = "fastdeploy_events"

#: The largest number that an event can have.
MAX_NUMBER = 2**31 - 1
#: Maximum characters of one event's text on a page or in a stream.
SHOWN_TEXT = 16_384

_COLUMNS = ("deployment_id", "number", "at", "kind", "name", "step", "host", "task",
            "result", "text", "open", "data", "raw")  # fmt: skip
_TYPES = ("int8", "int4", "timestamptz", "text", "text", "int2", "text", "text",
          "text", "text", "bool", "text", "bytea")  # fmt: skip
_COPY = f"COPY events ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded event for display.

    `text` is the printed text (truncated to SHOWN_TEXT if `cut` is true), `step` the
    position of its step, `name` the event's name within its `kind`, and `result` a
    task's result on its host or a step's state.
    """

    number: int
    at: datetime
    kind: EventKind
    name: str
    step: int | None
    host: str
    task: str
    result: str
    text: str
    cut: bool
    open: bool

    @property
    def is_line(self) -> bool:
        """Whether the output shows it: many events of ansible-runner have no text."""
        return bool(self.text) or self.kind not in (EventKind.RUNNER, EventKind.STATUS)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event to append: its time, and the position of its step."""

    at: datetime
    event: JournalEvent
    step: int | None = None


def append(
    db: Connection, deployment_id: int, last: int, batch: Sequence[Occurrence]
) -> int:
    """Append the events after number `last`; return the new last number.

    The caller must have locked the deployment's row, so that numbers are assigned in
    the order of commits.
    """
    number = last
    with _copy(db) as copy:
        for number, item in enumerate(batch, start=last + 1):
            copy.write_row((deployment_id, number, item.at, *_columns(item)))
    return number


def append_milestone(
    db: Connection,
    deployment_id: int,
    number: int,
    at: datetime,
    kind: EventKind,
    note: str,
) -> None:
    """Append one event of FastDeploy itself: queued, started or finished."""
    db.execute(
        events.insert().values(
            deployment_id=deployment_id, number=number, at=at, kind=kind, text=note
        )
    )


def delete_some(db: Connection, deployment_id: int, limit: int) -> int:
    """Delete the first `limit` events of a deployment; return the number deleted."""
    first = (
        select(events.c.number)
        .where(events.c.deployment_id == deployment_id)
        .order_by(events.c.number)
        .limit(limit)
    )
    found = db.execute(
        events.delete().where(
            events.c.deployment_id == deployment_id, events.c.number.in_(first)
        )
    )
    return found.rowcount


def notify(db: Connection, deployment_id: int) -> None:
    """Notify the hubs that watch this deployment when the transaction commits."""
    db.execute(
        text("SELECT pg_notify(:channel, :payload)"),
        {"channel": CHANNEL, "payload": str(deployment_id)},
    )


def read(
    db: Connection,
    deployment_id: int,
    *,
    after: int = 0,
    up_to: int | None = None,
    limit: int = 500,
) -> list[Event]:
    """Return at most `limit` events with numbers above `after`, in order.

    Numbers have no gaps, so the query is limited to the next `limit` numbers. With
    this range PostgreSQL reads no other rows, even if its statistics about a growing
    run are outdated. Only if old events are being removed, the next ones are further.
    """
    last = MAX_NUMBER if up_to is None else up_to
    behind = (
        shown()
        .where(events.c.deployment_id == deployment_id, events.c.number > after)
        .order_by(events.c.number)
        .limit(limit)
    )
    near = min(after + limit, last)
    rows = db.execute(behind.where(events.c.number <= near)).all()
    if not rows and near < last:
        rows = db.execute(behind.where(events.c.number <= last)).all()
    return [as_event(row) for row in rows]


def read_before(
    db: Connection, deployment_id: int, *, before: int, limit: int
) -> list[Event]:
    """Return the last `limit` events with numbers below `before`, in order."""
    after = max(before - limit - 1, 0)
    return read(
        db, deployment_id, after=after, up_to=before - 1,
        limit=max(before - 1 - after, 0),
    )  # fmt: skip


def count(db: Connection, deployment_id: int) -> dict[EventKind, int]:
    """Count the events of a deployment by kind."""
    rows = db.execute(
        select(events.c.kind, func.count())
        .where(events.c.deployment_id == deployment_id)
        .group_by(events.c.kind)
    )
    return {EventKind(kind): number for kind, number in rows}


def last_status(db: Connection, deployment_id: int) -> str:
    """Return ansible-runner's last status; empty if it reported none."""
    found: str | None = db.scalar(
        select(events.c.name)
        .where(
            events.c.deployment_id == deployment_id,
            events.c.kind == EventKind.STATUS.value,
            events.c.name != SPEED,
        )
        .order_by(events.c.number.desc())
        .limit(1)
    )
    return found or ""


def last_report(
    db: Connection, deployment_id: int, step: str, state: StepState, *, after: int
) -> int | None:
    """Return the number of the last event above `after` that reports this state."""
    found: int | None = db.scalar(
        select(events.c.number)
        .where(
            events.c.deployment_id == deployment_id,
            events.c.number > after,
            events.c.kind == EventKind.STEP.value,
            events.c.name == cut(step, MAX_NAME),
            events.c.result == state.value,
        )
        .order_by(events.c.number.desc())
        .limit(1)
    )
    return found


def _copy(db: Connection) -> Any:  # psycopg's context manager, with the types set
    driver = cast("psycopg.Connection[Any]", db.connection.driver_connection)
    return _TypedCopy(driver.cursor())


class _TypedCopy:
    """A binary COPY into events with explicit column types."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor = cursor
        self._context = cursor.copy(_COPY)

    def __enter__(self) -> psycopg.Copy:
        copy = self._context.__enter__()
        copy.set_types(_TYPES)
        return copy

    def __exit__(self, *error: object) -> None:
        self._context.__exit__(*error)  # type: ignore[arg-type] # as it came
        self._cursor.close()


def _columns(item: Occurrence) -> tuple[Any, ...]:
    """Return the columns after `at`, in the order of _COLUMNS."""
    match item.event:
        case RunnerEvent() as e:
            return ("runner", e.event, item.step, e.host, e.task, e.result, e.stdout,
                    e.open, e.data, None)  # fmt: skip
        case Output() as e:
            return ("output", None, item.step, None, None, None, e.text, e.open,
                    None, e.raw)  # fmt: skip
        case StepReported() as e:
            return ("step", cut(e.name, MAX_NAME), item.step, None, None, e.state,
                    e.message, e.open, e.line, None)  # fmt: skip
        case Notice() as e:
            return ("notice", None, item.step, None, None, None, e.text, False,
                    None, None)  # fmt: skip
        case HostKeyRefused(report):
            data = json_text.dumps(report.as_json())
            return ("host key", report.problem, item.step, None, None, None,
                    f"{report}.", False, data, None)  # fmt: skip
        case HostKeysUnchecked(setting):
            return ("host key", "unchecked", item.step, None, None, None,
                    f"Host keys aren't checked: {setting}.", False,
                    json_text.dumps({"setting": setting}), None)  # fmt: skip
        case RunnerStatus() as e:
            return ("status", e.status, None, None, None, None, "", False, None, None)
        case SpeedChosen(sentence):
            # An earlier release, which may run meanwhile, knows this kind.
            return ("status", SPEED, None, None, None, None, "", False,
                    json_text.dumps({"speed": sentence}), None)  # fmt: skip


def shown() -> Any:  # the union of column types is longer than it is useful
    """Return a query for events for display; `as_event` converts its rows."""
    c = events.c
    return select(
        c.number, c.at, c.kind, c.name, c.step, c.host, c.task, c.result, c.open,
        func.left(c.text, SHOWN_TEXT).label("text"),
        (func.length(c.text) > SHOWN_TEXT).label("cut"),
    )  # fmt: skip


def as_event(row: Any) -> Event:  # a row of that query
    """Convert a row of `shown` to an event."""
    return Event(row.number, row.at, EventKind(row.kind), row.name or "", row.step,
                 row.host or "", row.task or "", row.result or "", row.text, row.cut,
                 row.open)  # fmt: skip
