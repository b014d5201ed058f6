"""Query the hosts: some by their ids, one by its name, and the services on each.

A host is identified by its name and its scope: the project whose inventory names it, or
the service outside of projects. `_visible` decides which services any query reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from app.domain.host import NOT_REACHED, HostStatus
from app.domain.host_facts import Facts
from app.store.among import among
from app.store.host_tables import host_fact_changes, host_services, hosts
from app.store.searching import can_be_found
from app.store.service_tables import services

_h, _s = hosts.c, host_services.c
#: The statuses of the columns with the last deployment that ended so.
_LAST = (HostStatus.OK, HostStatus.CHANGED, HostStatus.FAILED, HostStatus.UNREACHABLE)


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


def by_ids(db: Connection, host_ids: Sequence[int]) -> list[Host]:
    """Return the hosts with these ids, sorted by name and scope."""
    query = select(hosts).where(among(_h.id)).order_by(_h.name, _h.scope)
    return _with_services(db, db.execute(query, {"ids": list(host_ids)}).all())


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
        select(
            _s.host_id, services.c.name, _s.named, _s.version, _s.version_deployment,
            _s.status, _s.at, _s.deployment, _s.last_ok, _s.last_changed,
            _s.last_failed, _s.last_unreachable,
        )
        .join_from(host_services, services, services.c.id == _s.service_id)
        .where(*_visible())
    )  # fmt: skip


def _visible() -> list[ColumnElement[bool]]:
    """Return the conditions for the services whose hosts are listed: all of them."""
    return []


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
    db: Connection, host_ids: Sequence[int]
) -> dict[int, list[ServiceOnHost]]:
    if not host_ids:
        return {}
    query = _services().where(among(_s.host_id)).order_by(services.c.name)
    found: dict[int, list[ServiceOnHost]] = {}
    for row in db.execute(query, {"ids": host_ids}).all():
        found.setdefault(row[0], []).append(_service(row))
    return found


def _service(row: Sequence[Any]) -> ServiceOnHost:
    # By place: a page has hundreds of these rows.
    (_, name, named, version, version_deployment, status, at, deployment,
     *last) = row  # fmt: skip
    return ServiceOnHost(
        name, named, version, version_deployment,
        HostStatus(status) if status else None, at, deployment,
        {each: number for each, number in zip(_LAST, last, strict=True) if number},
    )  # fmt: skip
