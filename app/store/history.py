"""The history: the numbers of the deployments that are wanted, newest first.

Whatever the filters are, what they leave is read from the end of an index that has
exactly these columns and goes on with the number: however rare it is, and however long
ago it was. Where an index has a status or an origin too that nobody asked for, there
are few of those: each is read by itself, and PostgreSQL merges what it finds.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    cast,
    func,
    select,
    true,
    union_all,
)

from app.domain.deployment import Origin, Status
from app.store.tables import deployments, services

#: A text is looked for in so many deployments of those that the other filters leave,
#: then the page ends: it takes a limited time, whatever the history's length.
SEARCHED = 2_500
#: Numbers and times have the same order but for so much: the clocks of hosts differ.
SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deployments are wanted; None wants any.

    Those asked for from `since` on and before `until`, both aware; `text` is
    somewhere in the reason or the variables, in upper or lower case.
    """

    service: str | None = None
    status: Status | None = None
    actor: str | None = None
    origin: Origin | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


#: All of them.
ANY = Filter()


@dataclass(frozen=True, slots=True)
class HistoryNumbers:
    """A page of numbers; `before` is where the next one begins, None at the end.

    `searched_to` is the number down to which a text was looked for, if that ended the
    page before it was full.
    """

    numbers: Sequence[int]
    before: int | None = None
    searched_to: int | None = None


def newest(
    db: Connection, wanted: Filter = ANY, *, before: int | None = None, limit: int = 50
) -> HistoryNumbers:
    """The numbers of the newest deployments that are wanted, below `before`."""
    texts = (wanted.service, wanted.actor, wanted.text)
    if any("\0" in text for text in texts if text):
        # PostgreSQL has no text with a NUL, and refuses to look for one.
        return HistoryNumbers(())
    conditions = _range(db, wanted, before)
    if wanted.service is not None:
        service_id = db.scalar(
            select(services.c.id).where(services.c.name == wanted.service)
        )
        if service_id is None:
            return HistoryNumbers(())
        conditions.append(deployments.c.service_id == service_id)
    if wanted.text is not None:
        return _search(db, wanted, wanted.text, conditions, limit)
    return _found(db.scalars(_numbers(wanted, conditions, limit)).all(), limit)


def actors(
    db: Connection, service: str | None = None, *, limit: int = 100
) -> list[str]:
    """Who has asked for deployments, by name: of one service, or of all.

    From one name it goes to the next in the index, past all that lies between.
    """
    of_service: list[ColumnElement[bool]] = []
    if service is not None:
        found = select(services.c.id).where(services.c.name == service)
        of_service.append(deployments.c.service_id == found.scalar_subquery())
    c = deployments.c
    first = select(func.min(c.actor).label("actor")).where(*of_service)
    known = first.cte("known", recursive=True)
    following = (
        select(func.min(c.actor))
        .where(*of_service, c.actor > known.c.actor)
        .scalar_subquery()
    )
    known = known.union_all(select(following).where(known.c.actor.is_not(None)))
    rows = db.scalars(
        select(known.c.actor).where(known.c.actor.is_not(None)).limit(limit)
    )
    return list(rows)


def _range(
    db: Connection, wanted: Filter, before: int | None
) -> list[ColumnElement[bool]]:
    """What bounds the numbers: where a page begins, and the times."""
    c = deployments.c
    # No column, so that its index is never read in place of the numbers' own.
    asked_at = c.created_at + timedelta(0)
    conditions: list[ColumnElement[bool]] = []
    if before is not None:
        conditions.append(c.id < before)
    if wanted.since is not None:
        conditions.append(asked_at >= wanted.since)
        earlier = db.scalar(
            select(c.id)
            .where(c.created_at < wanted.since - SKEW)
            .order_by(c.created_at.desc())
            .limit(1)
        )
        if earlier is not None:
            conditions.append(c.id > earlier)
    if wanted.until is not None:
        conditions.append(asked_at < wanted.until)
        later = db.scalar(
            select(c.id)
            .where(c.created_at > wanted.until + SKEW)
            .order_by(c.created_at)
            .limit(1)
        )
        if later is not None:
            conditions.append(c.id < later)
    return conditions


def _numbers(
    wanted: Filter, conditions: Sequence[ColumnElement[bool]], limit: int
) -> Select[Any]:
    """The first numbers of what all filters leave but the text, the highest first."""
    c = deployments.c
    statuses = list(Status) if wanted.status is None else [wanted.status]
    origins = list(Origin) if wanted.origin is None else [wanted.origin]
    kinds: list[list[ColumnElement[bool]]] = [
        [c.status == status.value, c.origin == origin.value]
        for status in statuses
        for origin in origins
    ]
    if wanted.actor is not None:
        kinds = [[c.actor == wanted.actor, *kind] for kind in kinds]
    elif wanted.origin is None and wanted.status is None:
        kinds = [[]]
    elif wanted.origin is None and wanted.service is not None:
        kinds = [[c.status == statuses[0].value]]
    # Each in its order: PostgreSQL merges what is sorted, and reads no further.
    parts = [
        select(c.id).where(*conditions, *kind).order_by(c.id.desc()).limit(limit)
        for kind in kinds
    ]
    if len(parts) == 1:
        return parts[0]
    found = union_all(*(part.subquery().select() for part in parts)).subquery()
    return select(found.c.id).order_by(found.c.id.desc()).limit(limit)


def _search(
    db: Connection,
    wanted: Filter,
    text: str,
    conditions: Sequence[ColumnElement[bool]],
    limit: int,
) -> HistoryNumbers:
    c = deployments.c
    looked = _numbers(wanted, conditions, SEARCHED).subquery("looked")
    # OFFSET 0 keeps PostgreSQL from planning it in another way than row by row.
    row = (
        select(c.reason, cast(c.variables, Text).label("variables"))
        .where(c.id == looked.c.id)
        .offset(0)
        .lateral("row")
    )
    # JSON as it is stored, where a text has its quotes and umlauts escaped.
    escaped = json.dumps(text)[1:-1]
    has = row.c.reason.icontains(text, autoescape=True) | row.c.variables.icontains(
        escaped, autoescape=True
    )
    numbers = db.scalars(
        select(looked.c.id)
        .join(row, true())
        .where(has)
        .order_by(looked.c.id.desc())
        .limit(limit)
    ).all()
    if len(numbers) == limit:
        return _found(numbers, limit)
    seen = _numbers(wanted, conditions, SEARCHED).subquery()
    count, last = db.execute(select(func.count(), func.min(seen.c.id))).one()
    if count < SEARCHED:
        return HistoryNumbers(numbers)
    return HistoryNumbers(numbers, before=last, searched_to=last)


def _found(numbers: Sequence[int], limit: int) -> HistoryNumbers:
    return HistoryNumbers(
        numbers, before=numbers[-1] if len(numbers) == limit else None
    )
