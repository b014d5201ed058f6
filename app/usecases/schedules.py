"""Store the schedules of services; list, pause, resume and run them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.deployment import Origin
from app.domain.schedule import Schedule
from app.domain.service import Service
from app.encryption import SecretBox
from app.errors import Invalid, NotFound
from app.queue import Queue
from app.store import audit, pings, schedule_updates, schedules
from app.store.calendars import StoredCalendar
from app.store.schedule_updates import NewInstant
from app.store.schedules import StoredSchedule
from app.store.store import Store
from app.usecases import calendars, deploy, healthcheck_urls
from app.usecases.healthcheck_urls import Box, no_box
from app.usecases.idempotency import RequestKey
from app.usecases.schedule_sources import ScheduleSources

#: The number of schedules on a page.
PAGE = 100


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule and whether it is paused at the moment."""

    stored: StoredSchedule
    paused: bool
    #: The next instants, as if it weren't paused; only for a single schedule.
    coming: tuple[datetime, ...] = ()
    #: Why nothing is launched at some of them.
    frozen: Mapping[datetime, str] = field(default_factory=dict)
    #: What is stored of its calendars; only for a single schedule.
    calendars: tuple[StoredCalendar, ...] = ()
    #: Why nothing will be launched at its next instant; empty if it isn't frozen.
    next_frozen: str = ""


def sync(db: Connection, found: Mapping[str, Service], box: Box = no_box) -> None:
    """Store the schedules of valid services, in the caller's transaction.

    A schedule keeps its next instant, unless its time was changed or the clock was put
    back, and stays paused. One that somebody created stays, unless the file defines one
    with its name. `box` encrypts their healthcheck URLs.
    """
    now = schedules.now(db)
    stored = schedules.of_services(db, found)
    wanted = {
        (name, schedule.name): schedule
        for name, service in found.items()
        for schedule in service.schedules
    }
    gone = [stored[key] for key in stored.keys() - wanted.keys()]
    schedule_updates.remove(db, [each.id for each in gone if not each.created_by])
    new = {key: each for key, each in wanted.items() if key not in stored}
    ids = schedules.ids_of_services(db, {service for service, _ in new})
    schedule_updates.add(
        db,
        [
            NewInstant(
                ids[key[0]],
                each,
                each.next_instant(now),
                healthcheck=healthcheck_urls.seal(box, each),
            )
            for key, each in sorted(new.items())
        ],
    )
    for key in sorted(wanted.keys() & stored.keys()):
        before, schedule = stored[key], wanted[key]
        put_back = before.last_at is not None and before.last_at > now
        same = schedules.same(before, schedule) and not before.created_by
        if same and not put_back and healthcheck_urls.is_stored(box, before, schedule):
            continue
        next_at = before.next_at
        if put_back or before.schedule.timing != schedule.timing:
            next_at = next_unpaused(before, schedule, now)
        sealed = healthcheck_urls.seal(box, schedule)
        schedule_updates.change(db, before.id, schedule, next_at, healthcheck=sealed)


def list_page(
    store: Store, *, text: str = "", number: int = 1
) -> tuple[list[ScheduleView], bool]:
    """Return a page of schedules, and whether there are more.

    They are sorted by service and name. `text` is part of one of both, and pages are
    counted from 1.
    """
    with store.begin() as db:
        now = schedules.now(db)
        found = schedules.page(db, text=text, skip=(number - 1) * PAGE, limit=PAGE + 1)
        frozen = calendars.frozen_next(db, found)
    views = [
        ScheduleView(each, _paused(each, now), next_frozen=frozen.get(each.id, ""))
        for each in found
    ]
    return views[:PAGE], len(views) > PAGE


def find(store: Store, schedule_id: int) -> ScheduleView:
    """Return the schedule with an id, and its next instants. Raises NotFound."""
    with store.begin() as db:
        return _view(db, _found(db, schedule_id))


def find_named(store: Store, service: str, name: str) -> ScheduleView:
    """Return the schedule of a service with a name. Raises NotFound."""
    with store.begin() as db:
        found = schedules.find_named(db, service, name)
        if found is None:
            raise NotFound(f"service {service!r} has no schedule {name!r}")
        return _view(db, found)


def frozen(
    store: Store, service: str, schedule: Schedule, instants: Collection[datetime]
) -> dict[datetime, str]:
    """Return why nothing would be launched at instants of a schedule, if it is known.

    The schedule may be a new one.
    """
    with store.begin() as db:
        return calendars.frozen_instants(db, service, schedule, instants)


def pause(
    store: Store, actor: Actor, schedule_id: int, until: datetime | None = None
) -> None:
    """Launch nothing until a time, or until the schedule is resumed.

    Instants of a pause aren't made up for, whatever `missed` is. Raises NotAllowed,
    NotFound, and Invalid if the time has passed.
    """
    actor.require(Permission.MANAGE)
    with store.begin() as db:
        schedule_updates.lock(db, schedule_id)
        found = _found(db, schedule_id)
        actor.require_on(Permission.MANAGE, found.service_name)
        if until is not None and until <= schedules.now(db):
            raise Invalid("the pause must end in the future")
        schedule_updates.pause(
            db,
            schedule_id,
            until=until,
            actor=actor.name,
            next_at=None if until is None else found.schedule.next_instant(until),
        )
        end = "it is resumed" if until is None else until.isoformat()
        changes = {"paused_until": (None, end)}
        audit.note(db, actor, Action.PAUSE_SCHEDULE, found.label, changes=changes)


def resume(store: Store, actor: Actor, schedule_id: int) -> None:
    """End the pause of a schedule. Raises NotAllowed and NotFound."""
    actor.require(Permission.MANAGE)
    with store.begin() as db:
        schedule_updates.lock(db, schedule_id)
        found = _found(db, schedule_id)
        actor.require_on(Permission.MANAGE, found.service_name)
        if found.paused_at is None:
            return
        next_at = found.schedule.next_instant(schedules.now(db))
        schedule_updates.resume(db, schedule_id, next_at)
        audit.note(db, actor, Action.RESUME_SCHEDULE, found.label)


def run_now(
    store: Store,
    queue: Queue,
    secret_box: SecretBox,
    actor: Actor,
    schedule_id: int,
    *,
    origin: Origin,
    run_as: str = "",
    idempotency_key: RequestKey | None = None,
    sources: ScheduleSources,
) -> int:
    """Launch what a schedule launches, now; return the id of the deployment.

    Raises NotFound, Conflict and Invalid if its ref can't be deployed, and what
    `deploy.launch` raises.
    """
    actor.require(Permission.CHECK)
    found = find(store, schedule_id).stored
    actor.require_on(Permission.CHECK, found.service_name)
    revision = sources.revision(found.service_name, found.schedule)

    def note(db: Connection, number: int) -> None:
        schedule_updates.set_deployment(db, schedule_id, number)
        pings.add_start(db, schedule_id, number)

    return deploy.launch(
        store,
        queue,
        secret_box,
        actor=actor,
        origin=origin,
        service_name=found.service_name,
        given=found.schedule.variables,
        options=found.schedule.options,
        revision=revision,
        run_as=run_as,
        idempotency_key=idempotency_key,
        confirmed=True,
        requesters=found.requesters,
        note=note,
    )


def next_unpaused(
    before: StoredSchedule, schedule: Schedule, now: datetime
) -> datetime | None:
    """Return the next instant of a schedule that may be paused.

    It may have been launched if the clock was put back; then its idempotency key
    prevents that it is launched again.
    """
    if before.paused_at is None:
        return schedule.next_instant(now)
    if before.paused_until is None:
        return None
    return schedule.next_instant(max(now, before.paused_until))


def _paused(stored: StoredSchedule, now: datetime) -> bool:
    if stored.paused_at is None:
        return False
    return stored.paused_until is None or stored.paused_until > now


def _view(db: Connection, found: StoredSchedule) -> ScheduleView:
    now = schedules.now(db)
    coming = tuple(found.schedule.coming(now))
    return ScheduleView(
        found,
        _paused(found, now),
        coming,
        calendars.frozen_instants(db, found.service_name, found.schedule, coming),
        calendars.of_schedule(db, found),
        calendars.frozen_next(db, [found]).get(found.id, ""),
    )


def _found(db: Connection, schedule_id: int) -> StoredSchedule:
    found = schedules.find(db, schedule_id)
    if found is None:
        raise NotFound(f"there is no schedule {schedule_id}")
    return found
