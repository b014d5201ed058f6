"""The schedules of services in PostgreSQL."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Text,
    cast,
    exists,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.domain.deployment import ENDED, Status
from app.domain.schedule import Schedule
from app.store.deployment_tables import deployments
from app.store.searching import can_be_found
from app.store.service_tables import registrations, schedules, services


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule of a service, its next instant, and what happened at the last one."""

    id: int
    service_name: str
    schedule: Schedule
    #: The actor who created it; empty if the file of the service defines it.
    created_by: str
    #: Who changed it last; empty if nobody did.
    changed_by: str
    #: The identities of who created it, or changed what it launches.
    requesters: tuple[str, ...]
    #: The next instant to launch; None if there is none, or it is paused.
    next_at: datetime | None
    last_at: datetime | None
    #: The last deployment that it launched, and its status.
    last_deployment: int | None
    last_status: Status | None
    #: Why nothing was launched at the last instant; empty if something was.
    problem: str
    paused_at: datetime | None
    #: The end of the pause; None: until somebody resumes it.
    paused_until: datetime | None
    paused_by: str
    #: The encrypted healthcheck URL; None without one.
    healthcheck: bytes | None
    #: Why the last ping to it failed; empty if it didn't.
    ping_problem: str

    @property
    def label(self) -> str:
        """Its service and its name."""
        return f"{self.service_name}: {self.schedule.name}"

    @property
    def unfinished(self) -> int | None:
        """The last deployment that it launched, if that hasn't ended."""
        if self.last_status is None or self.last_status in ENDED:
            return None
        return self.last_deployment


def now(db: Connection) -> datetime:
    """Return PostgreSQL's time, by which all nodes decide."""
    moment: datetime = db.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def of_services(
    db: Connection, names: Collection[str]
) -> dict[tuple[str, str], StoredSchedule]:
    """Return the schedules of services by the names of both."""
    rows = db.execute(_SELECT.where(services.c.name == _any(names)))
    found = map(_stored, rows)
    return {(each.service_name, each.schedule.name): each for each in found}


def due(
    db: Connection, moment: datetime, limit: int, *, node: str | None = None
) -> list[StoredSchedule]:
    """Return schedules whose next instant has come, the earliest first.

    They are those without a ref; with `node`, those with a ref that have their project
    on this node.
    """
    ref = schedules.c.config["ref"].as_string()
    here = exists().where(
        registrations.c.service_id == schedules.c.service_id,
        registrations.c.node == node,
    )
    chosen = func.coalesce(ref, "") == "" if node is None else (ref != "") & here
    rows = db.execute(
        _SELECT.where(schedules.c.next_at <= moment, chosen)
        .order_by(schedules.c.next_at)
        .limit(limit)
    )
    return list(map(_stored, rows))


def find(db: Connection, schedule_id: int) -> StoredSchedule | None:
    """Return the schedule with an id."""
    row = db.execute(_SELECT.where(schedules.c.id == schedule_id)).one_or_none()
    return None if row is None else _stored(row)


def find_named(db: Connection, service: str, name: str) -> StoredSchedule | None:
    """Return the schedule of a service with a name."""
    if not can_be_found(service, name):
        return None
    row = db.execute(
        _SELECT.where(services.c.name == service, schedules.c.name == name)
    ).one_or_none()
    return None if row is None else _stored(row)


def page(
    db: Connection, *, text: str = "", skip: int = 0, limit: int
) -> list[StoredSchedule]:
    """Return schedules sorted by service and name; `text` is part of one of both."""
    if not can_be_found(text):
        return []
    chosen = _SELECT
    if text:
        chosen = chosen.where(
            services.c.name.contains(text, autoescape=True)
            | schedules.c.name.contains(text, autoescape=True)
        )
    rows = db.execute(
        chosen.order_by(services.c.name, schedules.c.name).offset(skip).limit(limit)
    )
    return list(map(_stored, rows))


def ids_of_services(db: Connection, names: Collection[str]) -> Mapping[str, int]:
    """Return the ids of services by their names."""
    rows = db.execute(
        select(services.c.name, services.c.id).where(services.c.name == _any(names))
    )
    return {row.name: row.id for row in rows}


def same(stored: StoredSchedule, schedule: Schedule) -> bool:
    """Return whether a schedule is stored as it is."""
    return config_of(stored.schedule) == config_of(schedule)


def _any(names: Collection[str]) -> ColumnElement[str]:
    """Return names as one parameter: a statement has at most 65,535 of them."""
    return func.any(cast(sorted(names), ARRAY(Text)))


def config_of(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as the database stores it."""
    return schedule.model_dump(mode="json", exclude_unset=True)


_SELECT = (
    select(
        schedules,
        services.c.name.label("service_name"),
        deployments.c.status.label("last_status"),
    )
    .join(services, services.c.id == schedules.c.service_id)
    .outerjoin(deployments, deployments.c.id == schedules.c.last_deployment)
)


def _stored(row: Row[Any]) -> StoredSchedule:
    return StoredSchedule(
        id=row.id,
        service_name=row.service_name,
        schedule=Schedule.model_validate(row.config),
        created_by=row.created_by,
        changed_by=row.changed_by,
        requesters=tuple(row.requesters),
        next_at=row.next_at,
        last_at=row.last_at,
        last_deployment=row.last_deployment,
        last_status=None if row.last_status is None else Status(row.last_status),
        problem=row.problem,
        paused_at=row.paused_at,
        paused_until=row.paused_until,
        paused_by=row.paused_by,
        healthcheck=row.healthcheck,
        ping_problem=row.ping_problem,
    )
