"""A page of rows of the overview, with all that they show.

PostgreSQL makes a JSON document of each row, which `glances` parses.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    Text,
    bindparam,
    case,
    cast,
    false,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.selectable import LateralFromClause

from app.domain.dashboard import Condition, Filter
from app.domain.deployment import Status
from app.store import dashboard
from app.store.deployment_tables import counts, deployments
from app.store.glances import Glance, parse
from app.store.searching import can_be_found
from app.store.service_tables import services

#: The number of queries that are kept: SQLAlchemy would build each of them again.
_KEPT = 100
#: The maximum number of characters of the reason of a deployment.
_REASON = 1000


@dataclass(frozen=True, slots=True)
class FoundRows:
    """A page of rows; `total` counts those of all pages.

    `conditions` counts the rows by the condition of any of their environments, without
    the filter by status. A row with two conditions counts twice.
    """

    rows: list[Glance]
    total: int
    conditions: dict[Condition, int]


def find(
    db: Connection, wanted: Filter, user: str, *, skip: int, limit: int, outcomes: int
) -> FoundRows:
    """Return the rows that match, from the one after `skip`.

    Args:
        db: The transaction.
        wanted: The filter and the order. The favourites of the user come first.
        user: The name of the user; empty if nobody has favourites.
        skip: The number of rows to skip.
        limit: The maximum number of rows.
        outcomes: The maximum number of outcomes of a row.
    """
    if not can_be_found(wanted.text, wanted.project, wanted.label, wanted.environment):
        return FoundRows([], 0, {})
    rows, counted = _queries(wanted, user)
    given = {"skip": skip, "limit": limit, "outcomes": outcomes}
    found = db.execute(rows, given).all()
    numbers = json.loads((found[0].conditions if found else db.scalar(counted)) or "{}")
    return FoundRows(
        [parse(each.document) for each in found],
        found[0].total if found else 0,
        {each: numbers[each] for each in Condition if each in numbers},
    )


@lru_cache(_KEPT)
def _queries(wanted: Filter, user: str) -> tuple[Select[Any], Select[Any]]:
    """Return the queries of the rows with their counts, and of the counts alone."""
    # PostgreSQL evaluates the members once for the rows, their places and the counts.
    members = dashboard.all_members(wanted, user)
    counted = dashboard.count(members)
    best = dashboard.best(members, wanted.status)
    page = (
        select(best, func.count().over().label("total"))
        .order_by(*dashboard.order(best, wanted))
        .offset(bindparam("skip", type_=BigInteger))
        .limit(bindparam("limit", type_=BigInteger))
        .cte("page")
    )
    places = _places(page, members)
    ended, latest = _ended(places), _latest(page)
    rows = (
        select(
            _document(page, places, ended, latest).label("document"),
            page.c.total,
            counted.label("conditions"),
        )
        .join_from(page, places, places.c.service == page.c.service)
        .outerjoin(ended, true())
        .outerjoin(latest, true())
        .order_by(*dashboard.order(page, wanted))
    )
    return rows, select(counted)


def _document(
    page: CTE, places: Subquery, ended: LateralFromClause, latest: LateralFromClause
) -> ColumnElement[str]:
    c = page.c
    # PostgreSQL reads it of the rows of one page only: parsing the configs of all
    # services would take as long as the rest of the query.
    about = select(dashboard.description()).where(services.c.id == c.id)
    return cast(
        func.json_build_array(
            c.service, c.project, func.coalesce(about.scalar_subquery(), ""), c.labels,
            c.favourite, c.id, places.c.places, ended.c.outcomes, latest.c.latest,
        ),
        Text,
    )  # fmt: skip


def _places(page: CTE, members: CTE) -> Subquery:
    """Select where each service of the page runs, sorted, with its last success."""
    m, d = members.c, deployments.c
    success = (
        select(
            d.id, d.config["variables"].as_string().label("schema"), d.variables,
            d.ref, d.commit, d.changes,
        )
        .where(d.service_id == m.id, d.status == Status.SUCCESSFUL.value, counts)
        .order_by(d.id.desc())
        .limit(1)
        .correlate(members)
        .lateral("success")
    )  # fmt: skip
    s = success.c
    place = func.json_build_array(
        m.id, m.name, m.environment, m.error, m.warning, m.condition, m.deployment,
        case((s.id.is_not(None), func.json_build_array(
            s.id, func.coalesce(s.schema, "{}"), s.variables, s.ref, s.commit, s.changes
        ))),
    )  # fmt: skip
    return (
        select(
            m.service,
            func.array_agg(m.id).label("ids"),
            func.json_agg(aggregate_order_by(place, m.name)).label("places"),
        )
        .select_from(members)
        .outerjoin(success, true())
        .where(m.service.in_(select(page.c.service)))
        .group_by(m.service)
        .subquery("places")
    )


def _ended(places: Subquery) -> LateralFromClause:
    """Select the last outcomes of a service in any of its places, oldest first."""
    d = deployments.c
    place = (
        func.unnest(places.c.ids).table_valued("id").render_derived("place").lateral()
    )
    # PostgreSQL reads the newest ones of each place from the end of an index.
    recent = (
        select(
            d.id, d.status, d.created_at, d.warnings.is_not(None).label("warned")
        )
        .where(
            d.service_id == place.c.id, d.finished_at.is_not(None), d.partial.is_(False)
        )
        .order_by(d.service_id.desc(), d.id.desc())
        .limit(bindparam("outcomes", type_=BigInteger))
        .correlate(place)
        .lateral("recent")
    )  # fmt: skip
    last = (
        select(recent)
        .select_from(place)
        .join(recent, true())
        .order_by(recent.c.id.desc())
        .limit(bindparam("outcomes", type_=BigInteger))
        .correlate(places)
        .subquery("last")
    )
    c = last.c
    outcome = func.json_build_array(c.id, c.status, c.created_at, c.warned)
    found = func.json_agg(aggregate_order_by(outcome, c.id)).label("outcomes")
    return select(found).lateral("ended")


def _latest(page: CTE) -> LateralFromClause:
    """Select what a row shows of its active or latest deployment."""
    d = deployments.c
    found = func.json_build_array(
        d.id, func.left(d.reason, _REASON), d.actor, d.created_at, d.started_at,
        d.finished_at, d.partial,
        func.coalesce(d.options["check"].as_boolean(), false()),
        func.coalesce(func.json_array_length(d.warnings), 0),
    ).label("latest")  # fmt: skip
    return select(found).where(d.id == page.c.deployment).lateral("latest")
