"""The rows of the overview: services by status, project, label and environment.

A row is a service in all its environments. One query filters, sorts and counts them, so
the overview reads the details of one page only, however many services there are.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from app.domain.dashboard import Condition, Filter, Group, Line, Place, Sort
from app.domain.deployment import Status
from app.store.access_tables import favourites, users
from app.store.deployment_tables import deployments
from app.store.nodes import silent
from app.store.searching import can_be_found
from app.store.service_tables import nodes, services

#: The number of queries that are kept: viewers ask the same ones every few seconds, and
#: SQLAlchemy would build each of them again.
_KEPT = 100


@dataclass(frozen=True, slots=True)
class Lines:
    """A page of rows; `total` counts those of all pages.

    `conditions` counts the rows by the condition of any of their environments, without
    the filter by status. A row with two conditions counts twice.
    """

    lines: Sequence[Line]
    total: int
    conditions: Mapping[Condition, int]


def lines(db: Connection, wanted: Filter, user: str, *, skip: int, limit: int) -> Lines:
    """Return the rows that match, from the one after `skip`.

    Args:
        db: The transaction.
        wanted: The filter and the order. The favourites of the user come first.
        user: The name of the user; empty if nobody has favourites.
        skip: The number of rows to skip.
        limit: The maximum number of rows.
    """
    if not can_be_found(wanted.text, wanted.project, wanted.label, wanted.environment):
        return Lines((), 0, {})
    page, counted = _pages(wanted, user)
    rows = db.execute(page.offset(skip).limit(limit)).all()
    counts = json.loads((rows[0].conditions if rows else db.scalar(counted)) or "{}")
    return Lines(
        [_line(row) for row in rows],
        rows[0].total if rows else 0,
        {each: counts[each] for each in Condition if each in counts},
    )


@lru_cache(_KEPT)
def _pages(wanted: Filter, user: str) -> tuple[Select[Any], Select[Any]]:
    """Return the queries of all rows, with their counts, and of the counts alone."""
    # PostgreSQL evaluates it once for the rows and the counts.
    members = _members(wanted, user)
    found = _best(members, wanted.status)
    c = found.c
    counted = _count(members)
    total = func.count().over().label("total")
    # PostgreSQL reads it of the rows of one page only: parsing the configs of all
    # services would take as long as the rest of the query.
    description = select(_description()).where(services.c.id == c.id).scalar_subquery()
    rows = select(
        found, total, counted.label("conditions"), description.label("description")
    ).order_by(c.favourite.desc(), *_order(found, wanted))
    return rows, select(counted)


def _count(members: CTE) -> ScalarSelect[str]:
    """Return the number of services in each condition, as JSON.

    It is a text, because each row has it and only one is parsed.
    """
    c = members.c
    number = func.count(c.service.distinct()).label("number")
    counts = select(c.condition, number).group_by(c.condition).subquery()
    return select(
        cast(func.jsonb_object_agg(counts.c.condition, counts.c.number), Text)
    ).scalar_subquery()


def places(
    db: Connection, names: Collection[str], environment: str = ""
) -> dict[str, list[Place]]:
    """Return where these services run, sorted; with `environment`, only there."""
    if not names:
        return {}
    found: dict[str, list[Place]] = {name: [] for name in names}
    for row in db.execute(_places(environment), {"names": list(names)}).all():
        found[row.service].append(_place(row))
    return found


@lru_cache(_KEPT)
def _places(environment: str) -> Select[Any]:
    """Return the query of the environments of the services `names`."""
    members = _members(Filter(environment=environment), "", named=True)
    return select(members).order_by(members.c.name)


def exist(db: Connection) -> bool:
    """Return whether there is any service."""
    query = select(services.c.id).where(services.c.archived_at.is_(None)).limit(1)
    return db.scalar(query) is not None


def parts() -> tuple[ColumnElement[str], ColumnElement[str], ColumnElement[str]]:
    """Return the parts of a name: service with project, environment, project."""
    name = services.c.name
    return (
        func.split_part(name, "@", 1),
        func.split_part(name, "@", 2),
        case((name.contains("/"), func.split_part(name, "/", 1)), else_=""),
    )


def _members(wanted: Filter, user: str, *, named: bool = False) -> CTE:
    """Return the matching services in their environments, each with a condition.

    With `named`, only those of the parameter `names`.

    The filter by status doesn't apply. A started deployment counts before a newer one
    that waits, and one that waits for an approval before one that is queued.
    """
    c, d = services.c, deployments.c
    service, environment, project = parts()
    active = (
        select(d.service_id, d.id, d.status, d.node)
        .ext(distinct_on(d.service_id))
        .where(d.finished_at.is_(None))
        .order_by(
            d.service_id,
            d.status == Status.QUEUED.value,
            d.status == Status.WAITING_FOR_APPROVAL.value,
            d.id.desc(),
        )
        .cte("active")
    )
    # PostgreSQL reads one row for each service, from the end of an index.
    newest = (
        select(d.id, d.status)
        .where(d.service_id == c.id)
        .order_by(d.service_id.desc(), d.id.desc())
        .limit(1)
        .correlate(services)
        .lateral("newest")
    )
    condition = case(
        (and_(active.c.id.is_not(None), silent()), Condition.UNREACHABLE.value),
        (active.c.id.is_not(None), active.c.status),
        (c.error != "", Condition.INVALID.value),
        (newest.c.id.is_(None), Condition.NEVER.value),
        else_=newest.c.status,
    )
    favourite = _is_favourite(user, service)
    columns = [
        c.id, c.name, c.error, c.warning, c.labels,
        service.label("service"), environment.label("environment"),
        project.label("project"), favourite.label("favourite"),
        condition.label("condition"),
        func.coalesce(active.c.id, newest.c.id).label("deployment"),
    ]  # fmt: skip
    inner = (
        select(*columns)
        .select_from(services)
        .outerjoin(active, active.c.service_id == c.id)
        .outerjoin(newest, true())
        .outerjoin(nodes, nodes.c.name == active.c.node)
        .where(c.archived_at.is_(None))
    )
    if named:
        given = select(func.unnest(bindparam("names", type_=ARRAY(Text))))
        inner = inner.where(service.in_(given))
    if wanted.project:
        inner = inner.where(project == wanted.project)
    if wanted.environment:
        inner = inner.where(environment == wanted.environment)
    if wanted.label:
        inner = inner.where(c.labels.contains([wanted.label]))
    if wanted.favourites:
        inner = inner.where(favourite)
    if wanted.text:
        inner = inner.where(*_contains(wanted.text))
    return inner.cte("members")


def _contains(text: str) -> list[ColumnElement[bool]]:
    """Return the conditions that each word of a text occurs in a service.

    The description comes last: PostgreSQL parses the config only if neither the name
    nor a label has the word.
    """
    c = services.c
    named = func.concat_ws(" ", c.name, func.array_to_string(c.labels, " "))
    return [
        or_(_has(named, word), _has(func.coalesce(_description(), ""), word))
        for word in text.split()
    ]


def _has(text: ColumnElement[str], word: str) -> ColumnElement[bool]:
    return func.strpos(func.lower(text), func.lower(word)) > 0


def _description() -> ColumnElement[str]:
    found: ColumnElement[str] = services.c.config["description"].as_string()
    return found


def _is_favourite(user: str, service: ColumnElement[str]) -> ColumnElement[bool]:
    if not user:
        return false()
    mine = (
        select(favourites.c.service)
        .join(users, users.c.id == favourites.c.user_id)
        .where(users.c.name == user)
    )
    return service.in_(mine)


def _best(members: CTE, status: Condition | None) -> CTE:
    """Return one environment of each service: the one in the most urgent condition.

    With a `status`, services in other conditions are left out.
    """
    c = members.c
    urgency = func.array_position(
        cast([each.value for each in Condition], ARRAY(Text)), c.condition
    )
    matching = select(members, urgency.label("urgency"))
    if status is not None:
        matching = matching.where(c.condition == status.value)
    return (
        matching.ext(distinct_on(c.service))
        .order_by(c.service, urgency, c.deployment.desc().nulls_last(), c.name)
        .cte("best")
    )


def _order(found: CTE, wanted: Filter) -> list[Any]:
    c = found.c
    group: list[Any] = []
    if wanted.group is Group.PROJECT:
        group = [c.project == "", c.project]
    elif wanted.group is Group.STATUS:
        group = [c.urgency]
    elif wanted.group is Group.LABEL:
        group = [c.labels[1].nulls_last()]
    if wanted.sort is Sort.LATEST:
        return [*group, c.deployment.desc().nulls_last(), c.service]
    if wanted.sort is Sort.STATUS:
        return [*group, c.urgency, c.deployment.desc().nulls_last(), c.service]
    return [*group, c.service]


def _line(row: Row[Any]) -> Line:
    return Line(
        row.service, row.project, row.description or "", tuple(row.labels),
        row.favourite, _place(row),
    )  # fmt: skip


def _place(row: Row[Any]) -> Place:
    return Place(row.id, row.name, row.environment, row.error, row.warning,
                 Condition(row.condition), row.deployment)  # fmt: skip
