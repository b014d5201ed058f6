"""Read the output and the events of a deployment in stretches of bounded size.

Each stretch is read by its own query, so that no transaction stays open while it is
sent to a slow client. Retention removes the first events first: if a stretch doesn't
begin right after the previous one, the events in between were removed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, case, func, select

from app.domain.events import EventKind
from app.store.deployment_tables import events

#: Limits of a stretch: it ends with the event that reaches MAX_BYTES, or after
#: MAX_EVENTS.
MAX_BYTES = 256 * 1024
MAX_EVENTS = 4_000

_c = events.c
_data_of_step = case((_c.kind == EventKind.STEP.value, _c.data))
_data_of_line = case((_c.kind.in_([EventKind.STEP, EventKind.RUNNER]), _c.data))
_data_of_runner = case((_c.kind == EventKind.RUNNER.value, _c.data))

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stretch(Generic[T]):
    """The content of the events `first` to `last`."""

    first: int
    last: int
    content: Sequence[T]


def read_output(
    db: Connection, deployment_id: int, *, script: bool, after: int, up_to: int
) -> Stretch[bytes] | None:
    """Read the exact bytes printed after event `after`; return None at the end.

    Events of a playbook aren't printed, so their display text is returned instead. A
    `script` prints its events as lines, so these lines are returned.
    """
    printed = _data_of_line if script else _data_of_step
    size = func.coalesce(
        func.octet_length(_c.raw),
        func.octet_length(printed),
        func.octet_length(_c.text),
    )
    columns = (_c.kind, _c.text, _c.open, _c.raw, printed.label("data"))
    rows = _read(db, deployment_id, after, up_to, size, columns)
    return _stretch(rows, [_printed(row) for row in rows])


def read_data(
    db: Connection, deployment_id: int, *, after: int, up_to: int
) -> Stretch[str] | None:
    """Read ansible-runner's events after event `after` as JSON; None at the end."""
    size = func.coalesce(func.octet_length(_data_of_runner), 0)
    columns = (_data_of_runner.label("data"),)
    rows = _read(db, deployment_id, after, up_to, size, columns)
    return _stretch(rows, [row.data for row in rows if row.data is not None])


def _read(
    db: Connection,
    deployment_id: int,
    after: int,
    up_to: int,
    size: ColumnElement[int],
    columns: Sequence[ColumnElement[Any]],
) -> Sequence[Row[Any]]:
    """Return the next events until their sizes reach MAX_BYTES, at least one."""
    sizes = func.sum(size).over(order_by=_c.number)
    behind = (
        select(_c.number, *columns, (sizes - size).label("before"))
        .where(_c.deployment_id == deployment_id, _c.number > after)
        .order_by(_c.number)
        .limit(MAX_EVENTS)
    )

    def up_to_number(last: int) -> Sequence[Row[Any]]:
        found = behind.where(_c.number <= last).subquery()
        small = select(found).where(found.c.before < MAX_BYTES)
        return db.execute(small.order_by(found.c.number)).all()

    # With this range PostgreSQL reads no other rows, see events.read.
    near = min(after + MAX_EVENTS, up_to)
    rows = up_to_number(near)
    return rows if rows or near == up_to else up_to_number(up_to)


def _stretch(rows: Sequence[Row[Any]], content: Sequence[T]) -> Stretch[T] | None:
    if not rows:
        return None
    return Stretch(rows[0].number, rows[-1].number, content)


def _printed(row: Row[Any]) -> bytes:
    text: str = row.text if row.data is None else row.data
    match row.kind:
        case EventKind.STEP | EventKind.OUTPUT:
            content: bytes = text.encode() if row.raw is None else row.raw
            return content if row.open else content + b"\n"
        case EventKind.RUNNER:
            is_open = row.open and row.data is None
            return text.encode() + (b"\n" if text and not is_open else b"")
        case _:
            return b""
