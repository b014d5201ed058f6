"""The event log of each deployment: append only, numbered 1, 2, 3 …, read after N."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, func, select, text

from app.domain.events import (
    EventKind,
    JournalEvent,
    Notice,
    Output,
    RunnerEvent,
    RunnerStatus,
    StepReported,
    StepState,
)
from app.domain.steps import MAX_NAME, cut
from app.store.tables import events

#: The channel that says "deployment N has news"; the rows say what.
CHANNEL = "fastdeploy_events"

#: The highest number that an event can have.
MAX_NUMBER = 2**31 - 1
#: Characters of one event's text that a page or a stream shows.
SHOWN_TEXT = 16_384

_COLUMNS = ("deployment_id", "number", "at", "kind", "name", "step", "host", "task",
            "result", "text", "open", "data", "raw")  # fmt: skip
_TYPES = ("int8", "int4", "timestamptz", "text", "text", "int2", "text", "text",
          "text", "text", "bool", "text", "bytea")  # fmt: skip
_COPY = f"COPY events ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded event, as people see it.

    `text` is what was printed (cut to SHOWN_TEXT, then `cut` is true), `step` the
    position of the step it belongs to, `name` what kind of news it is within `kind`,
    `result` a task's result on its host or a step's state.
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
        """Whether the output shows it: much that ansible-runner tells has no text."""
        return bool(self.text) or self.kind not in (EventKind.RUNNER, EventKind.STATUS)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event on its way into the log: when, what, and the position of its step."""

    at: datetime
    event: JournalEvent
    step: int | None = None


def append(
    db: Connection, deployment_id: int, last: int, batch: Sequence[Occurrence]
) -> int:
    """Append the events behind number `last`; return the new last number.

    The caller holds the deployment's row: numbers are given in the order of commits.
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
    """Append one event of FastDeploy's own: queued, started or finished."""
    db.execute(
        events.insert().values(
            deployment_id=deployment_id, number=number, at=at, kind=kind, text=note
        )
    )


def delete_some(db: Connection, deployment_id: int, limit: int) -> int:
    """Delete the first `limit` events of a deployment; returns how many there were."""
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
    """Wake whoever watches this deployment, when the transaction commits."""
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
    """The events numbered above `after`, in order, at most `limit`.

    There is no number without an event, so that these are the next numbers: told so,
    PostgreSQL reads no others, whatever its statistics say of a run that grows. Only
    where old events are being removed, the next ones are further.
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
    """The last `limit` events numbered below `before`, in order."""
    after = max(before - limit - 1, 0)
    return read(
        db, deployment_id, after=after, up_to=before - 1,
        limit=max(before - 1 - after, 0),
    )  # fmt: skip


def count(db: Connection, deployment_id: int) -> dict[EventKind, int]:
    """How many events of each kind a deployment has."""
    rows = db.execute(
        select(events.c.kind, func.count())
        .where(events.c.deployment_id == deployment_id)
        .group_by(events.c.kind)
    )
    return {EventKind(kind): number for kind, number in rows}


def last_status(db: Connection, deployment_id: int) -> str:
    """ansible-runner's own last status; empty if it told none."""
    found: str | None = db.scalar(
        select(events.c.name)
        .where(
            events.c.deployment_id == deployment_id,
            events.c.kind == EventKind.STATUS.value,
        )
        .order_by(events.c.number.desc())
        .limit(1)
    )
    return found or ""


def last_report(
    db: Connection, deployment_id: int, step: str, state: StepState, *, after: int
) -> int | None:
    """The number of the last event above `after` that reported a step in a state."""
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
    """A binary COPY into events: each column's type is told once, not guessed."""

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
    """The columns behind `at`, in the order of _COLUMNS."""
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
        case RunnerStatus() as e:
            return ("status", e.status, None, None, None, None, "", False, None, None)


def shown() -> Any:  # the union of column types is longer than it is useful
    """A query for events as people see them; each row is for `as_event`."""
    c = events.c
    return select(
        c.number, c.at, c.kind, c.name, c.step, c.host, c.task, c.result, c.open,
        func.left(c.text, SHOWN_TEXT).label("text"),
        (func.length(c.text) > SHOWN_TEXT).label("cut"),
    )  # fmt: skip


def as_event(row: Any) -> Event:  # a row of that query
    """The event that a row of `shown` is."""
    return Event(row.number, row.at, EventKind(row.kind), row.name or "", row.step,
                 row.host or "", row.task or "", row.result or "", row.text, row.cut,
                 row.open)  # fmt: skip
