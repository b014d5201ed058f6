"""Query the hosts that match filters, a page at a time."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, func, literal, select

from app.domain.host import NOT_REACHED
from app.store import files, hosts
from app.store.among import among
from app.store.host_tables import host_services
from app.store.host_tables import hosts as table
from app.store.hosts import Host
from app.store.searching import can_be_found, lower
from app.store.service_tables import services

_h, _s = table.c, host_services.c


@dataclass(frozen=True, slots=True)
class HostFilter:
    """Filters of hosts; an empty field matches all.

    `project` is the scope. `status` is a HostStatus or NOT_REACHED: that of the last
    deployment, or of the last one of the service or environment that is filtered too.
    `text` is searched in the name, the groups and some facts, case-insensitively. With
    `outside`, only hosts match on which a deployment found a file edited outside
    FastDeploy.
    """

    project: str = ""
    service: str = ""
    environment: str = ""
    group: str = ""
    status: str = ""
    text: str = ""
    outside: bool = False


def page(
    db: Connection, wanted: HostFilter, *, skip: int = 0, limit: int = 50
) -> tuple[int, list[Host]]:
    """Return how many hosts match, and some of them with their services.

    They are sorted by name and scope.
    """
    if not _can_match(wanted):
        return 0, []
    ids: list[int] = []
    if wanted.service or wanted.environment:
        ids = _service_ids(db, wanted)
        if not ids:
            return 0, []
    matching = _matching(wanted, skip)
    c = matching.c
    chosen = select(c.id).order_by(c.name, c.scope).offset(skip).limit(limit)
    count = select(func.count()).select_from(matching).scalar_subquery()
    query = select(count, func.array(chosen.scalar_subquery()))
    number, found = db.execute(query, {"ids": ids}).one()
    return number, hosts.by_ids(db, found) if found else []


def _can_match(wanted: HostFilter) -> bool:
    return can_be_found(
        wanted.project, wanted.service, wanted.environment, wanted.group, wanted.text
    )


def _service_ids(db: Connection, wanted: HostFilter) -> list[int]:
    """Return the ids of the services that match.

    With the ids, PostgreSQL knows how many hosts a service has. With a name, it would
    look for them among all hosts, even for a service that has none.
    """
    query = select(services.c.id)
    if wanted.service:
        query = query.where(services.c.name == wanted.service)
    if wanted.environment:
        ending = f"@{wanted.environment}"
        query = query.where(services.c.name.endswith(ending, autoescape=True))
    return list(db.scalars(query))


def _matching(wanted: HostFilter, skip: int) -> CTE:
    """Return the query of the hosts that match; the parameter `ids` names services.

    The filters are evaluated once, for the number of hosts and for the page. But an
    index has the first hosts of all.
    """
    query = select(_h.id, _h.name, _h.scope).where(*_conditions(wanted))
    is_first_of_all = skip == 0 and wanted == HostFilter()
    how = "NOT MATERIALIZED" if is_first_of_all else "MATERIALIZED"
    return query.cte("matching").prefix_with(how)


def _conditions(wanted: HostFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    by_service = bool(wanted.service or wanted.environment)
    if wanted.project:
        found.append(_h.scope == wanted.project)
    if wanted.group:
        found.append(literal(wanted.group) == _h.groups.any_())
    if wanted.text:
        found.append(_has_text(wanted.text.lower()))
    if wanted.outside:
        found.append(_h.id.in_(files.hosts_with_edits()))
    if wanted.status and not by_service:
        found.append(_is(_h.status, wanted.status))
    if by_service:
        query = select(_s.host_id).where(among(_s.service_id))
        if wanted.status:
            query = query.where(_is(_s.status, wanted.status))
        found.append(_h.id.in_(query))
    return found


def _has_text(text: str) -> ColumnElement[bool]:
    names: Any = _h.name.op("||")(" ").op("||")(func.array_to_string(_h.groups, " "))
    searched = lower(names, text).op("||")(" ").op("||")(_h.searched)
    return func.strpos(searched, text) > 0


def _is(column: Any, status: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = (
        column.is_(None) if status == NOT_REACHED else column == status
    )
    return found
