"""Which services the overview lists: by status, project, label and environment.

A row is a service in all its environments. A query filters, sorts and counts them, so
`dashboard_rows` reads the details of one page only, however many services there are.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    ScalarSelect,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from app.domain.dashboard import Condition, Filter, Group, Sort
from app.domain.deployment import Status
from app.store.access_tables import favourites, users
from app.store.deployment_tables import deployments
from app.store.nodes import silent
from app.store.searching import contains
from app.store.service_tables import nodes, services


def best(members: CTE, status: Condition | None) -> CTE:
    """Return one environment of each service: the one in the most urgent condition.

    With a `status`, services in other conditions are left out.
    """
    c = members.c
    urgency = func.array_position(
        cast([each.value for each in Condition], ARRAY(Text)), c.condition
    )
    matching = select(members, urgency.label("urgency")).where(c.matches)
    if status is not None:
        matching = matching.where(c.condition == status.value)
    return (
        matching.ext(distinct_on(c.service))
        .order_by(c.service, urgency, c.deployment.desc().nulls_last(), c.name)
        .cte("best")
    )


def count(members: CTE) -> ScalarSelect[str]:
    """Return the number of services in each condition, as JSON.

    It is a text, because each row has it and only one is parsed.
    """
    c = members.c
    found = select(c.condition, c.service).where(c.matches).distinct().subquery()
    counts = (
        select(found.c.condition, func.count().label("number"))
        .group_by(found.c.condition)
        .subquery()
    )
    return select(
        cast(func.json_object_agg(counts.c.condition, counts.c.number), Text)
    ).scalar_subquery()


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


def all_members(wanted: Filter, user: str) -> CTE:
    """Return the services in their environments, each with a condition.

    `matches` says whether the filters by label and text match: a row also shows the
    environments of its service that don't match them. The filter by status doesn't
    apply. A started deployment counts before a newer one that waits, and one that waits
    for an approval before one that is queued.
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
        and_(true(), *_matches(wanted)).label("matches"),
    ]  # fmt: skip
    inner = (
        select(*columns)
        .select_from(services)
        .outerjoin(active, active.c.service_id == c.id)
        .outerjoin(newest, true())
        .outerjoin(nodes, nodes.c.name == active.c.node)
        .where(c.archived_at.is_(None))
    )
    if wanted.project:
        inner = inner.where(project == wanted.project)
    if wanted.environment:
        inner = inner.where(environment == wanted.environment)
    if wanted.favourites:
        inner = inner.where(favourite)
    return inner.cte("members")


def _matches(wanted: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions that a service has the label and each word of the text.

    The description comes last: PostgreSQL parses the config only if neither the name
    nor a label has the word.
    """
    c = services.c
    labelled = [c.labels.contains([wanted.label])] if wanted.label else []
    named = func.concat_ws(" ", c.name, func.array_to_string(c.labels, " "))
    return labelled + [
        or_(contains(named, word), contains(func.coalesce(description(), ""), word))
        for word in wanted.text.split()
    ]


def description() -> ColumnElement[str]:
    """Return the description in the definition of a service."""
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


def order(found: CTE, wanted: Filter) -> list[ColumnElement[Any]]:
    """Return what to order the rows of `best` by."""
    c = found.c
    group: list[ColumnElement[Any]] = [c.favourite.desc()]
    if wanted.group is Group.PROJECT:
        group += [c.project == "", c.project]
    elif wanted.group is Group.STATUS:
        group += [c.urgency]
    elif wanted.group is Group.LABEL:
        group += [c.labels[1].nulls_last()]
    if wanted.sort is Sort.LATEST:
        return [*group, c.deployment.desc().nulls_last(), c.service]
    if wanted.sort is Sort.STATUS:
        return [*group, c.urgency, c.deployment.desc().nulls_last(), c.service]
    return [*group, c.service]
