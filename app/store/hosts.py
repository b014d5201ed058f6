"""Query the hosts: lists that match filters, one host, and its services.

A host is identified by its name and its scope: the project whose inventory names it, or
the service outside of projects. `_visible` decides which services any query reads.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, literal, select

from app.domain.host import NOT_REACHED, HostStatus
from app.domain.host_facts import Facts
from app.store import files
from app.store.host_tables import host_fact_changes, host_services, hosts
from app.store.searching import can_be_found
from app.store.service_tables import services

_h, _s = hosts.c, host_services.c


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


@dataclass(frozen=True, slots=True)
class ServiceOnHost:
    """A service on a host.

    `named` says whether the inventory of its last run names the host; None if none ever
    did. `version` is that of
    the deployment `version_deployment`, the last that was complete on this host; None
    if there was none. `status`, `at` and `deployment` are of the last one there, None
    if none has reached the host. `last` has the last deployment with each status.
    """

    service: str
    named: bool | None
    version: str
    version_deployment: int | None
    status: HostStatus | None
    at: datetime | None
    deployment: int | None
    last: Mapping[HostStatus, int]


@dataclass(frozen=True, slots=True)
class Host:
    """A host as of the last run that reported it."""

    id: int
    scope: str
    name: str
    groups: Sequence[str]
    facts: Facts
    facts_at: datetime | None
    facts_deployment: int | None
    #: How the last deployment ended on it; None if none has reached it.
    status: HostStatus | None
    last_at: datetime | None
    last_deployment: int | None
    services: Sequence[ServiceOnHost] = field(default=())

    @property
    def shown_status(self) -> str:
        """The status as a text."""
        return self.status or NOT_REACHED

    @property
    def last_service(self) -> str:
        """The service of the last deployment; empty if it isn't known."""
        last = self.last_deployment
        return next((s.service for s in self.services if s.deployment == last), "")

    @property
    def environments(self) -> list[str]:
        """The environments of its services, sorted."""
        found = {each.service.partition("@")[2] for each in self.services}
        return sorted(found - {""})

    @property
    def named(self) -> bool | None:
        """Whether an inventory names it, by the last run of each of its services.

        None if none ever did, such as for the implicit `localhost`.
        """
        found = [each.named for each in self.services if each.named is not None]
        return any(found) if found else None


@dataclass(frozen=True, slots=True)
class FactChange:
    """The facts that a deployment found changed, before and after, by name."""

    deployment: int
    at: datetime
    before: Facts
    after: Facts


def listed(
    db: Connection, wanted: HostFilter, *, skip: int = 0, limit: int = 50
) -> list[Host]:
    """Return the hosts that match, sorted by name and scope, with their services."""
    if not _can_match(wanted):
        return []
    # The ids first: columns of a limited actor are computed for each row that is read.
    page = select(_h.id).where(*_conditions(wanted)).order_by(_h.name, _h.scope)
    page = page.offset(skip).limit(limit)
    query = select(hosts).where(_h.id.in_(page)).order_by(_h.name, _h.scope)
    return _with_services(db, db.execute(query).all())


def count(db: Connection, wanted: HostFilter) -> int:
    """Return the number of hosts that match."""
    if not _can_match(wanted):
        return 0
    found: int = db.execute(
        select(func.count()).select_from(hosts).where(*_conditions(wanted))
    ).scalar_one()
    return found


def find(db: Connection, name: str, scope: str = "") -> list[Host]:
    """Return the hosts with this name, of one scope or of all, sorted by scope."""
    if not can_be_found(name, scope):
        return []
    conditions = [_h.name == name, *([_h.scope == scope] if scope else [])]
    rows = db.execute(select(hosts).where(*conditions).order_by(_h.scope)).all()
    return _with_services(db, rows)


def groups(db: Connection, limit: int = 500) -> list[str]:
    """Return the groups of all hosts by name; at most `limit`."""
    name = func.unnest(_h.groups).label("name")
    each = select(name).distinct().subquery()
    return list(db.scalars(select(each.c.name).order_by(each.c.name).limit(limit)))


def service_names(db: Connection) -> list[str]:
    """Return the names of the services that have hosts, sorted."""
    # An index finds the first host of each service; the join would read them all.
    has_host = select(_s.host_id).where(_s.service_id == services.c.id).exists()
    query = select(services.c.name).where(has_host, *_visible())
    return list(db.scalars(query.order_by(services.c.name)))


def fact_changes(db: Connection, host_id: int, limit: int = 20) -> list[FactChange]:
    """Return the last changes of a host's facts, newest first."""
    c = host_fact_changes.c
    rows = db.execute(
        select(c.deployment, c.at, c.before, c.after)
        .where(c.host_id == host_id)
        .order_by(c.id.desc())
        .limit(limit)
    )
    return [FactChange(*row) for row in rows]


def _services() -> Select[Any]:
    """Return the query of services on hosts, the one place that joins them."""
    return (
        select(host_services, services.c.name.label("service"))
        .join_from(host_services, services, services.c.id == _s.service_id)
        .where(*_visible())
    )


def _visible() -> list[ColumnElement[bool]]:
    """Return the conditions for the services whose hosts are listed: all of them."""
    return []


def _can_match(wanted: HostFilter) -> bool:
    return can_be_found(
        wanted.project, wanted.service, wanted.environment, wanted.group, wanted.text
    )


def _conditions(wanted: HostFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    by_service = bool(wanted.service or wanted.environment)
    if wanted.project:
        found.append(_h.scope == wanted.project)
    if wanted.group:
        found.append(literal(wanted.group) == _h.groups.any_())
    if wanted.text:
        text = wanted.text.lower()
        of_groups = func.array_to_string(_h.groups, " ")
        searched = func.lower(_h.name).op("||")(" ").op("||")(_h.searched)
        searched = searched.op("||")(" ").op("||")(func.lower(of_groups))
        found.append(func.strpos(searched, text) > 0)
    if wanted.outside:
        found.append(_h.id.in_(files.hosts_with_edits()))
    if wanted.status and not by_service:
        found.append(_is(_h.status, wanted.status))
    if by_service:
        query = _services().with_only_columns(_s.host_id).where(*_of_service(wanted))
        found.append(_h.id.in_(query))
    return found


def _of_service(wanted: HostFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.service:
        found.append(services.c.name == wanted.service)
    if wanted.environment:
        ending = f"@{wanted.environment}"
        found.append(services.c.name.endswith(ending, autoescape=True))
    if wanted.status:
        found.append(_is(_s.status, wanted.status))
    return found


def _is(column: Any, status: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = (
        column.is_(None) if status == NOT_REACHED else column == status
    )
    return found


def _with_services(db: Connection, rows: Sequence[Row[Any]]) -> list[Host]:
    of_host = _services_of(db, [row.id for row in rows])
    return [
        Host(
            row.id, row.scope, row.name, row.groups, row.facts or {}, row.facts_at,
            row.facts_deployment, HostStatus(row.status) if row.status else None,
            row.last_at, row.last_deployment, of_host.get(row.id, ()),
        )
        for row in rows
    ]  # fmt: skip


def _services_of(
    db: Connection, host_ids: Collection[int]
) -> dict[int, list[ServiceOnHost]]:
    if not host_ids:
        return {}
    query = _services().where(_s.host_id.in_(host_ids)).order_by(services.c.name)
    found: dict[int, list[ServiceOnHost]] = {}
    for row in db.execute(query):
        found.setdefault(row.host_id, []).append(_service(row))
    return found


def _service(row: Row[Any]) -> ServiceOnHost:
    last = {
        HostStatus.OK: row.last_ok,
        HostStatus.CHANGED: row.last_changed,
        HostStatus.FAILED: row.last_failed,
        HostStatus.UNREACHABLE: row.last_unreachable,
    }
    return ServiceOnHost(
        row.service, row.named, row.version, row.version_deployment,
        HostStatus(row.status) if row.status else None, row.at, row.deployment,
        {status: number for status, number in last.items() if number},
    )  # fmt: skip
