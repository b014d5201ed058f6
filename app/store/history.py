"""The history: the ids of deployments that match filters, newest first.

For every combination of filters, there is an index on these columns and the id, which
is read from its end. So the time of a query doesn't depend on how rare or old the
matches are. If the index also covers a status or origin that isn't filtered, one query
per value is run, and PostgreSQL merges the results.
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
from app.store import files
from app.store.deployment_tables import deployments
from app.store.searching import can_be_found
from app.store.service_tables import services

#: Maximum number of deployments that are searched for a text before the page ends, so
#: that the time of a search doesn't depend on the length of the history.
SEARCHED = 2_500
#: Maximum deviation between the order of ids and times: the clocks of hosts differ.
SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Filter:
    """Filters of deployments; None matches any.

    `since` (inclusive) and `until` (exclusive) limit the time of the launch, both
    aware. `text` is searched in the reason and the variables, case-insensitively. With
    `outside`, only those match that found a file edited outside FastDeploy: few, whose
    ids are looked up.
    """

    service: str | None = None
    status: Status | None = None
    actor: str | None = None
    origin: Origin | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    outside: bool | None = None


#: Matches all deployments.
ANY = Filter()


@dataclass(frozen=True, slots=True)
class HistoryNumbers:
    """A page of ids; `before` is where the next page begins, None at the end.

    `searched_to` is the lowest id that was searched for a text, if the search limit
    ended the page before it was full.
    """

    numbers: Sequence[int]
    before: int | None = None
    searched_to: int | None = None


def newest(
    db: Connection, wanted: Filter = ANY, *, before: int | None = None, limit: int = 50
) -> HistoryNumbers:
    """Return the ids of the newest matching deployments below `before`."""
    if not can_be_found(wanted.service, wanted.actor, wanted.text):
        return HistoryNumbers(())
    conditions = _range(db, wanted, before)
    if wanted.service is not None:
        service_id = db.scalar(
            select(services.c.id).where(services.c.name == wanted.service)
        )
        if service_id is None:
            return HistoryNumbers(())
        conditions.append(deployments.c.service_id == service_id)
    if wanted.outside:
        conditions.append(deployments.c.id.in_(files.finding_deployments()))
    if wanted.text is not None:
        return _search(db, wanted, wanted.text, conditions, limit)
    return _found(db.scalars(_numbers(wanted, conditions, limit)).all(), limit)


def actors(
    db: Connection, service: str | None = None, *, limit: int = 100
) -> list[str]:
    """Return the actors who launched deployments of a service or of all, by name.

    A loose index scan jumps from one name to the next.
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
    """Return the conditions for the page's first id and for the times."""
    c = deployments.c
    # An expression, so that PostgreSQL doesn't use the column's index.
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
    """Return the query of the highest ids that match all filters except the text."""
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
    # Each part is sorted, so PostgreSQL merges them and stops at the limit.
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
    # OFFSET 0 is an optimization fence: PostgreSQL evaluates the subquery row by row.
    row = (
        select(c.reason, cast(c.variables, Text).label("variables"))
        .where(c.id == looked.c.id)
        .offset(0)
        .lateral("row")
    )
    # Escape the text as in the stored JSON, which escapes quotes and umlauts.
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
