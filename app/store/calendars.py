"""The calendars of freezes in PostgreSQL; a worker takes one before it reads it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.freezes import Freeze, ReadCalendar, is_url
from app.domain.service_name import split
from app.store.calendar_tables import freeze_calendars
from app.store.service_tables import schedules, services

#: The scope and the source of a calendar.
Key = tuple[str, str]
#: Time for which a worker has taken a calendar.
LEASE = timedelta(minutes=5)
#: After this time, a sync asks for a URL again.
_FRESH = timedelta(minutes=1)
_c = freeze_calendars.c
#: All but the content, which is large.
_COLUMNS = [column for column in _c if column is not _c.content]


@dataclass(frozen=True, slots=True)
class StoredCalendar:
    """A calendar as it was read last."""

    id: int
    scope: str
    source: str
    freezes: tuple[Freeze, ...]
    #: None if it was never read.
    covers_until: datetime | None
    read_at: datetime | None
    #: Why it couldn't be read the last time, and since when; empty if it could.
    problem: str
    failing_since: datetime | None


def key_of(service: str, source: str) -> Key:
    """Return the key of a calendar that a schedule of a service names."""
    parts = split(service)
    return "" if is_url(source) or parts is None else parts.folder, source


def find(db: Connection, keys: Collection[Key]) -> dict[Key, StoredCalendar]:
    """Return calendars by their keys."""
    if not keys:
        return {}
    query = select(*_COLUMNS).where(tuple_(_c.scope, _c.source).in_(keys))
    return {(row.scope, row.source): _stored(row) for row in db.execute(query)}


def named(db: Connection) -> set[Key]:
    """Return the keys of the calendars that schedules name."""
    sources = schedules.c.config["not_during"]
    rows = db.execute(
        select(services.c.name, sources.label("sources"))
        .join(services, services.c.id == schedules.c.service_id)
        .where(sources.as_string().is_not(None))
    )
    return {key_of(row.name, source) for row in rows for source in row.sources}


def add(db: Connection, keys: Iterable[Key]) -> None:
    """Add calendars that aren't there; a worker reads them."""
    values = [{"scope": scope, "source": source} for scope, source in keys]
    if values:
        db.execute(insert(freeze_calendars).on_conflict_do_nothing(), values)


def settle(db: Connection, wanted: Iterable[Key], *, ask: bool = False) -> None:
    """Add missing calendars, and delete those that aren't wanted.

    With `ask`, workers fetch all URLs again.
    """
    keys = sorted(set(wanted))
    known = tuple_(_c.scope, _c.source)
    db.execute(
        delete(freeze_calendars).where(known.not_in(keys)) if keys
        else delete(freeze_calendars)
    )  # fmt: skip
    add(db, keys)
    if ask:
        old = _c.read_at.is_(None) | (_c.read_at < func.now() - _FRESH)
        db.execute(
            update(freeze_calendars)
            .where(_c.scope == "", old, _c.next_at > func.now() + LEASE)
            .values(next_at=func.now())
        )


def content_of(db: Connection, calendar_id: int) -> str:
    """Return the last good copy of a calendar; empty if there is none."""
    query = select(_c.content).where(_c.id == calendar_id)
    return db.execute(query).scalar_one_or_none() or ""


def take_due(db: Connection, limit: int) -> list[StoredCalendar]:
    """Take calendars that are to be read; each is due again after LEASE."""
    due = (
        select(_c.id)
        .where(_c.next_at <= func.now())
        .order_by(_c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = db.execute(
        update(freeze_calendars)
        .where(_c.id.in_(due.scalar_subquery()))
        .values(next_at=func.now() + LEASE)
        .returning(*_COLUMNS)
    )
    return list(map(_stored, rows))


def put(db: Connection, key: Key, found: ReadCalendar, again: timedelta) -> None:
    """Store a calendar that was read; it is read `again` after a time."""
    values = {
        "content": found.content,
        "freezes": [freeze.to_json() for freeze in found.freezes],
        "covers_until": found.covers_until,
        "read_at": func.now(),
        "next_at": func.now() + again,
        "problem": "",
        "failing_since": None,
    }
    scope, source = key
    db.execute(
        insert(freeze_calendars)
        .values(scope=scope, source=source, **values)
        .on_conflict_do_update(index_elements=["scope", "source"], set_=values)
    )


def expand(db: Connection, calendar: StoredCalendar, found: ReadCalendar) -> None:
    """Store the freezes of the last good copy of a calendar until a later time."""
    db.execute(
        update(freeze_calendars)
        .where(_c.id == calendar.id)
        .values(
            freezes=[freeze.to_json() for freeze in found.freezes],
            covers_until=found.covers_until,
        )
    )


def fail(db: Connection, calendar_id: int, problem: str, again: timedelta) -> None:
    """Store why a calendar couldn't be read; its last good copy is kept."""
    db.execute(
        update(freeze_calendars)
        .where(_c.id == calendar_id)
        .values(
            problem=problem,
            failing_since=func.coalesce(_c.failing_since, func.now()),
            next_at=func.now() + again,
        )
    )


def put_off(db: Connection, calendar_id: int, again: timedelta) -> None:
    """Read a calendar later."""
    db.execute(
        update(freeze_calendars)
        .where(_c.id == calendar_id)
        .values(next_at=func.now() + again)
    )


def failing(db: Connection) -> list[StoredCalendar]:
    """Return the calendars that couldn't be read the last time."""
    query = select(*_COLUMNS).where(_c.problem != "").order_by(_c.source)
    return list(map(_stored, db.execute(query)))


def _stored(row: Row[Any]) -> StoredCalendar:
    return StoredCalendar(
        id=row.id,
        scope=row.scope,
        source=row.source,
        freezes=tuple(Freeze(**each) for each in row.freezes or ()),
        covers_until=row.covers_until,
        read_at=row.read_at,
        problem=row.problem,
        failing_since=row.failing_since,
    )
