"""Insert, change and delete the schedules of services in PostgreSQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from app.domain.schedule import Schedule
from app.store.schedules import StoredSchedule, config_of
from app.store.service_tables import schedules


@dataclass(frozen=True, slots=True)
class NewInstant:
    """A schedule of a service with its next instant."""

    service_id: int
    schedule: Schedule
    next_at: datetime | None
    created_by: str = ""
    healthcheck: bytes | None = None
    requesters: tuple[str, ...] = ()


def add(db: Connection, new: Sequence[NewInstant]) -> None:
    """Insert schedules."""
    if new:
        db.execute(
            insert(schedules),
            [
                {
                    "service_id": each.service_id,
                    "name": each.schedule.name,
                    "config": config_of(each.schedule),
                    "next_at": each.next_at,
                    "created_by": each.created_by,
                    "healthcheck": each.healthcheck,
                    "requesters": each.requesters,
                }
                for each in new
            ],
        )


def change(
    db: Connection,
    schedule_id: int,
    schedule: Schedule,
    next_at: datetime | None,
    *,
    created_by: str = "",
    changed_by: str = "",
    requesters: tuple[str, ...] = (),
    healthcheck: bytes | None,
) -> None:
    """Change a schedule and its next instant.

    `created_by` and `changed_by` are empty if the file of the service defines it;
    `requesters` are the identities of who determined what it launches, `healthcheck` is
    the encrypted URL.
    """
    _update(
        db,
        schedule_id,
        config=config_of(schedule),
        next_at=next_at,
        created_by=created_by,
        changed_by=changed_by,
        requesters=requesters,
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


def _update(db: Connection, schedule_id: int, **values: Any) -> None:
    db.execute(update(schedules).where(schedules.c.id == schedule_id).values(values))
