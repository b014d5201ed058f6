"""The schedules of services in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Text,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.domain.deployment import ENDED, Status
from app.domain.schedule import Schedule
from app.store.deployment_tables import deployments
from app.store.searching import can_be_found
from app.store.service_tables import schedules, services


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule of a service, its next instant, and what happened at the last one."""

    id: int
    service_name: str
    schedule: Schedule
    #: The actor who created it; empty if the file of the service defines it.
    created_by: str
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


@dataclass(frozen=True, slots=True)
class NewInstant:
    """A schedule of a service with its next instant."""

    service_id: int
    schedule: Schedule
    next_at: datetime | None
    created_by: str = ""
    healthcheck: bytes | None = None


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


def due(db: Connection, moment: datetime, limit: int) -> list[StoredSchedule]:
    """Return schedules whose next instant has come, the earliest first."""
    rows = db.execute(
        _SELECT.where(schedules.c.next_at <= moment)
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


def add(db: Connection, new: Sequence[NewInstant]) -> None:
    """Insert schedules."""
    if new:
        db.execute(
            insert(schedules),
            [
                {
                    "service_id": each.service_id,
                    "name": each.schedule.name,
                    "config": _config(each.schedule),
                    "next_at": each.next_at,
                    "created_by": each.created_by,
                    "healthcheck": each.healthcheck,
                }
                for each in new
            ],
        )


def change(
    db: Connection,
    schedule_id: int,
    schedule: Schedule,
    next_at: datetime | None,
    created_by: str = "",
    *,
    healthcheck: bytes | None,
) -> None:
    """Change a schedule and its next instant.

    `created_by` is empty if the file of the service defines it, `healthcheck` the
    encrypted URL.
    """
    _update(
        db,
        schedule_id,
        config=_config(schedule),
        next_at=next_at,
        created_by=created_by,
        healthcheck=healthcheck,
        ping_problem="",
    )


def remove(db: Connection, ids: Collection[int]) -> None:
    """Delete schedules."""
    if ids:
        db.execute(delete(schedules).where(schedules.c.id.in_(ids)))


def advance(
    db: Connection,
    schedule: StoredSchedule,
    *,
    instant: datetime,
    following: datetime | None,
    deployment: int | None = None,
    problem: str = "",
) -> bool:
    """Store what happened at an instant; return False if it was stored before.

    It is stored if the next instant is still the one that `schedule` has, so of several
    workers one succeeds.
    """
    values: dict[str, Any] = {
        "last_at": instant, "next_at": following, "problem": problem,
        "paused_at": None, "paused_until": None, "paused_by": "",
    }  # fmt: skip
    if deployment is not None:
        values["last_deployment"] = deployment
    found = db.execute(
        update(schedules)
        .where(schedules.c.id == schedule.id, schedules.c.next_at == schedule.next_at)
        .values(values)
    )
    return found.rowcount == 1


def pause(
    db: Connection,
    schedule_id: int,
    *,
    until: datetime | None,
    actor: str,
    next_at: datetime | None,
) -> None:
    """Pause a schedule until a time, or until it is resumed."""
    _update(
        db,
        schedule_id,
        paused_at=func.now(),
        paused_until=until,
        paused_by=actor,
        next_at=next_at,
    )


def resume(db: Connection, schedule_id: int, next_at: datetime | None) -> None:
    """End the pause of a schedule."""
    _update(
        db,
        schedule_id,
        paused_at=None,
        paused_until=None,
        paused_by="",
        next_at=next_at,
    )


def set_deployment(db: Connection, schedule_id: int, deployment: int) -> None:
    """Store the last deployment of a schedule that somebody launched."""
    _update(db, schedule_id, last_deployment=deployment, problem="")


def lock(db: Connection, schedule_id: int) -> None:
    """Lock a schedule until the transaction ends."""
    db.execute(
        select(schedules.c.id).where(schedules.c.id == schedule_id).with_for_update()
    )


def ids_of_services(db: Connection, names: Collection[str]) -> Mapping[str, int]:
    """Return the ids of services by their names."""
    rows = db.execute(
        select(services.c.name, services.c.id).where(services.c.name == _any(names))
    )
    return {row.name: row.id for row in rows}


def same(stored: StoredSchedule, schedule: Schedule) -> bool:
    """Return whether a schedule is stored as it is."""
    return _config(stored.schedule) == _config(schedule)


def _any(names: Collection[str]) -> ColumnElement[str]:
    """Return names as one parameter: a statement has at most 65,535 of them."""
    return func.any(cast(sorted(names), ARRAY(Text)))


def _update(db: Connection, schedule_id: int, **values: Any) -> None:
    db.execute(update(schedules).where(schedules.c.id == schedule_id).values(values))


def _config(schedule: Schedule) -> dict[str, Any]:
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
