"""Create and remove schedules that no file defines."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from app.domain import schedule_checks
from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.config_json import explain
from app.domain.schedule import Schedule
from app.domain.service import Service
from app.errors import Conflict, InvalidFields, NotFound
from app.store import audit, schedules, services
from app.store.schedules import NewInstant
from app.store.store import Store


def check(service: Service, content: Mapping[str, Any]) -> Schedule:
    """Return a new schedule of a service. Raises InvalidFields."""
    try:
        schedule = Schedule.model_validate(content)
    except ValidationError as error:
        raise InvalidFields(
            {
                ".".join(map(str, each["loc"])): explain({**each, "loc": ()})
                for each in error.errors()
            }
        ) from None
    candidate = service.model_copy(update={"schedules": (schedule,)})
    problems = {
        str(place[-1]): problem
        for place, problem in schedule_checks.problems(candidate)
    }
    if problems:
        raise InvalidFields(problems)
    return schedule


def create(
    store: Store, actor: Actor, service_name: str, content: Mapping[str, Any]
) -> int:
    """Create a schedule of a service; return its id.

    Raises NotAllowed, NotFound, InvalidFields by the keys of a schedule, and Conflict
    if the service is invalid or archived, or has a schedule with this name.
    """
    actor.require(Permission.DEPLOY)
    with store.begin() as db:
        entry = services.find(db, service_name)
    if entry is None:
        raise NotFound(f"there is no service {service_name!r}")
    if entry.service is None or entry.error or entry.archived_at:
        raise Conflict(f"service {service_name} is invalid or archived: fix it first")
    schedule = check(entry.service, content)
    try:
        with store.begin() as db:
            next_at = schedule.next_instant(schedules.now(db))
            if next_at is None:
                raise InvalidFields({"": "it has no instant in the future"})
            new = NewInstant(entry.id, schedule, next_at, actor.name)
            schedules.add(db, [new])
            found = schedules.find_named(db, service_name, schedule.name)
            assert found is not None
            audit.note(db, actor, Action.CREATE_SCHEDULE, found.label)
            return found.id
    except IntegrityError:
        raise Conflict(
            f"{service_name} has a schedule {schedule.name} already: choose another "
            "name"
        ) from None


def remove(store: Store, actor: Actor, schedule_id: int) -> str:
    """Remove a schedule that somebody created; return what it was, for people.

    Raises NotAllowed, NotFound, and Conflict if a file defines it.
    """
    actor.require(Permission.DEPLOY)
    with store.begin() as db:
        schedules.lock(db, schedule_id)
        found = schedules.find(db, schedule_id)
        if found is None:
            raise NotFound(f"there is no schedule {schedule_id}")
        if not found.created_by:
            raise Conflict(
                "the file of the service defines this schedule: remove it there, and "
                "sync the services"
            )
        schedules.remove(db, [schedule_id])
        audit.note(db, actor, Action.REMOVE_SCHEDULE, found.label)
        return found.label
