"""Create, change and remove schedules that no file defines."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.calendar_files import CalendarFiles
from app.domain import schedule_checks
from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.config_json import explain
from app.domain.freezes import ReadCalendar, is_url
from app.domain.schedule import Schedule
from app.domain.service import Service
from app.encryption import SecretBox
from app.errors import Conflict, Invalid, InvalidFields, NotFound
from app.store import audit, schedule_updates, schedules
from app.store.calendars import Key
from app.store.schedule_updates import NewInstant
from app.store.schedules import StoredSchedule
from app.store.services import Entry
from app.store.store import Store
from app.usecases import calendars, healthcheck_urls, services
from app.usecases.approval_requests import requester_of
from app.usecases.schedule_sources import ScheduleSources
from app.usecases.schedules import find, next_unpaused


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
    store: Store,
    actor: Actor,
    service_name: str,
    content: Mapping[str, Any],
    secret_box: SecretBox,
    sources: ScheduleSources,
) -> int:
    """Create a schedule of a service; return its id.

    `sources` has the repositories and calendars that it names.

    Raises NotAllowed, NotFound, InvalidFields by the keys of a schedule, and Conflict
    if the service is invalid or archived, or has a schedule with this name.
    """
    actor.require(Permission.MANAGE)
    entry = services.find_service(store, service_name)
    actor.require_on(Permission.MANAGE, service_name)
    schedule = check(_usable(entry), content)
    _check_ref(sources, service_name, schedule, content)
    keys, read = _read_calendars(sources.files, service_name, schedule)
    try:
        with store.begin() as db:
            next_at = _require_next(schedule, schedules.now(db))
            sealed = healthcheck_urls.seal(lambda: secret_box, schedule)
            me = requester_of(db, actor)
            schedule_updates.add(
                db,
                [NewInstant(entry.id, schedule, next_at, actor.name, sealed, (me,))],
            )
            calendars.keep(db, keys, read)
            found = schedules.find_named(db, service_name, schedule.name)
            assert found is not None
            audit.note(db, actor, Action.CREATE_SCHEDULE, found.label)
            return found.id
    except IntegrityError:
        raise Conflict(
            f"{service_name} has a schedule {schedule.name} already: choose another "
            "name"
        ) from None


def replace(
    store: Store,
    actor: Actor,
    schedule_id: int,
    content: Mapping[str, Any],
    secret_box: SecretBox,
    sources: ScheduleSources,
) -> None:
    """Replace a schedule that somebody created; it keeps its name, and stays paused.

    It keeps its healthcheck URL, unless another one or an empty one is given.

    Raises NotAllowed, NotFound, InvalidFields by the keys of a schedule, and Conflict
    if a file defines it, or if the service is invalid or archived.
    """
    actor.require(Permission.MANAGE)
    stored = find(store, schedule_id).stored
    actor.require_on(Permission.MANAGE, stored.service_name)
    entry = services.find_service(store, stored.service_name)
    schedule = check(_usable(entry), content)
    keeps_url = "healthcheck_url" not in content
    if keeps_url:
        kept = {"healthcheck_url": stored.schedule.healthcheck_url}
        schedule = schedule.model_copy(update=kept)
    _check_ref(sources, stored.service_name, schedule, content)
    keys, read = _read_calendars(sources.files, stored.service_name, schedule)
    with store.begin() as db:
        found = _own(db, schedule_id)
        if schedule.name != found.schedule.name:
            problem = f"stays {found.schedule.name}; create another schedule instead"
            raise InvalidFields({"name": problem})
        now = schedules.now(db)
        _require_next(schedule, now)
        next_at = found.next_at
        if found.schedule.timing != schedule.timing:
            next_at = next_unpaused(found, schedule, now)
        sealed = found.healthcheck
        if not keeps_url:
            sealed = healthcheck_urls.seal(lambda: secret_box, schedule)
        schedule_updates.change(
            db,
            schedule_id,
            schedule,
            next_at,
            created_by=found.created_by,
            changed_by=actor.name,
            requesters=_requesters(found, schedule, requester_of(db, actor)),
            healthcheck=sealed,
        )
        calendars.keep(db, keys, read)
        changes = schedule.changes_from(found.schedule)
        audit.note(db, actor, Action.CHANGE_SCHEDULE, found.label, changes=changes)


def remove(store: Store, actor: Actor, schedule_id: int) -> str:
    """Remove a schedule that somebody created; return what it was, for people.

    Raises NotAllowed, NotFound, and Conflict if a file defines it.
    """
    actor.require(Permission.MANAGE)
    with store.begin() as db:
        found = _own(db, schedule_id)
        actor.require_on(Permission.MANAGE, found.service_name)
        schedule_updates.remove(db, [schedule_id])
        audit.note(db, actor, Action.REMOVE_SCHEDULE, found.label)
        return found.label


def _requesters(
    before: StoredSchedule, schedule: Schedule, changing: str
) -> tuple[str, ...]:
    """Return who determined what a changed schedule launches."""
    if schedule.launched == before.schedule.launched or changing in before.requesters:
        return before.requesters
    return (*before.requesters, changing)


def _check_ref(
    sources: ScheduleSources,
    service: str,
    schedule: Schedule,
    content: Mapping[str, Any],
) -> None:
    """Check a schedule with the service as its ref defines it. Raises InvalidFields."""
    try:
        revision = sources.revision(service, schedule)
    except (Conflict, Invalid) as error:
        raise InvalidFields({"ref": str(error)}) from None
    if revision is not None:
        check(revision.service, content)


def _read_calendars(
    files: CalendarFiles, service: str, schedule: Schedule
) -> tuple[list[Key], dict[Key, ReadCalendar]]:
    """Return the calendars of a schedule, and those of files. Raises InvalidFields."""
    keys = calendars.keys_of(service, schedule)
    try:
        return keys, {key: files.read(key) for key in keys if not is_url(key[1])}
    except Invalid as error:
        raise InvalidFields({"not_during": str(error)}) from None


def _usable(entry: Entry) -> Service:
    """Return the service of an entry. Raises Conflict."""
    if entry.service is None or entry.error or entry.archived_at:
        raise Conflict(f"service {entry.name} is invalid or archived: fix it first")
    return entry.service


def _own(db: Connection, schedule_id: int) -> StoredSchedule:
    """Lock and return a schedule that no file defines. Raises NotFound, Conflict."""
    schedule_updates.lock(db, schedule_id)
    found = schedules.find(db, schedule_id)
    if found is None:
        raise NotFound(f"there is no schedule {schedule_id}")
    if not found.created_by:
        raise Conflict(
            "the file of the service defines this schedule: change it there, and sync "
            "the services"
        )
    return found


def _require_next(schedule: Schedule, now: datetime) -> datetime:
    """Return the next instant of a schedule. Raises InvalidFields."""
    next_at = schedule.next_instant(now)
    if next_at is None:
        raise InvalidFields({"": "it has no instant in the future"})
    return next_at
