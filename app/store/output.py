"""Read the output and the events of a deployment in stretches of bounded size.

Each stretch is read by its own query, so that no transaction stays open while it is
sent to a slow client. Retention removes the first events first: if a stretch doesn't
begin right after the previous one, the events in between were removed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.domain.events import EventKind
from app.store.deployment_tables import events

#: Limits of a stretch: it ends with the event that reaches MAX_BYTES, or after
#: MAX_EVENTS. While it is sent to a slow client, the web process holds it twice.
MAX_BYTES = 128 * 1024
MAX_EVENTS = 2_000

#: Kinds of events whose text is a line, or a part of it if the event is open.
_LINES = (EventKind.STEP.value, EventKind.OUTPUT.value)
_NEWLINE = literal(b"\n", LargeBinary)
_NOTHING = literal(b"", LargeBinary)

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
    data = _data_of_line if script else _data_of_step
    size = func.coalesce(
        func.octet_length(_c.raw), func.octet_length(data), func.octet_length(_c.text)
    )

    # PostgreSQL joins the pieces: thousands of rows would keep a web process busy.
    def joined(found: Subquery) -> Select[Any]:
        in_order = aggregate_order_by(_NOTHING, found.c.number)
        return select(
            func.min(found.c.number).label("first"),
            func.max(found.c.number).label("last"),
            func.string_agg(found.c.printed, in_order).label("content"),
        ).having(func.count() > 0)

    columns = (_printed(data).label("printed"),)
    rows = _read(db, deployment_id, after, up_to, size, columns, joined)
    return Stretch(rows[0].first, rows[0].last, [rows[0].content]) if rows else None


def read_data(
    db: Connection, deployment_id: int, *, after: int, up_to: int
) -> Stretch[str] | None:
    """Read ansible-runner's events after event `after` as JSON; None at the end."""
    size = func.coalesce(func.octet_length(_data_of_runner), 0)
    columns = (_data_of_runner.label("data"),)

    def each(found: Subquery) -> Select[Any]:
        return select(found.c.number, found.c.data).order_by(found.c.number)

    rows = _read(db, deployment_id, after, up_to, size, columns, each)
    if not rows:
        return None
    content = [row.data for row in rows if row.data is not None]
    return Stretch(rows[0].number, rows[-1].number, content)


def _read(
    db: Connection,
    deployment_id: int,
    after: int,
    up_to: int,
    size: ColumnElement[int],
    columns: Sequence[ColumnElement[Any]],
    selected: Callable[[Subquery], Select[Any]],
) -> Sequence[Row[Any]]:
    """Return what is selected of the next events until they reach MAX_BYTES.

    These are at least one event, if there is one; else no row is returned.
    """
    sizes = func.sum(size).over(order_by=_c.number)
    behind = (
        select(_c.number, *columns, (sizes - size).label("before"))
        .where(_c.deployment_id == deployment_id, _c.number > after)
        .order_by(_c.number)
        .limit(MAX_EVENTS)
    )

    def up_to_number(last: int) -> Sequence[Row[Any]]:
        found = behind.where(_c.number <= last).subquery()
        return db.execute(selected(found).where(found.c.before < MAX_BYTES)).all()

    # With this range PostgreSQL reads no other rows, see events.read.
    near = min(after + MAX_EVENTS, up_to)
    rows = up_to_number(near)
    return rows if rows or near == up_to else up_to_number(up_to)


def _printed(data: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the expression of the bytes that an event printed.

    `data` is the expression of the line that an event was, if it is to be returned.
    """
    text = func.convert_to(func.coalesce(data, _c.text), "UTF8")
    is_line = _c.kind.in_(_LINES)
    is_runner = _c.kind == EventKind.RUNNER.value
    is_open = and_(_c.open, or_(is_line, data.is_(None)))
    shown = or_(is_line, and_(is_runner, or_(data.is_not(None), _c.text != "")))
    end = case((is_open, _NOTHING), else_=_NEWLINE)
    return case((shown, func.coalesce(_c.raw, text).concat(end)), else_=_NOTHING)
