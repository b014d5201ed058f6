"""Schedules of the service `hello`: planned, launched and ended."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from app import bootstrap
from app.domain.deployment import Status
from app.domain.service import Service
from app.queue import make_queue
from app.settings import Settings
from app.store import services
from app.store.deployment_tables import deployments as table
from app.store.schedules import StoredSchedule
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import due_schedules, schedules
from app.usecases.due_schedules import LaunchResult
from testing.factories import make_service


def nightly(**fields: Any) -> dict[str, Any]:
    """Return an hourly schedule with the name nightly."""
    return {"name": "nightly", "cron": "0 * * * *"} | fields


def sync(store: Store, *found: Service) -> None:
    """Store services with their schedules, as a sync does; all others are archived."""
    with store.begin() as db:
        services.put(db, [FoundService(each.name, each) for each in found], node="here")
        services.unregister_all_but(db, {each.name for each in found}, node="here")
        services.settle(db)
        schedules.sync(db, {each.name: each for each in found})


def plan(store: Store, **fields: Any) -> StoredSchedule:
    """Sync the service `hello` with one schedule; return it."""
    sync(store, make_service(schedules=[nightly(**fields)]))
    return stored(store)


def stored(store: Store) -> StoredSchedule:
    """Return the schedule nightly of the service hello."""
    return schedules.find_named(store, "hello", "nightly").stored


def next_of(schedule: StoredSchedule) -> datetime:
    """Return the instant that is planned next."""
    assert schedule.next_at is not None
    return schedule.next_at


def launch_due(store: Store, settings: Settings, moment: datetime) -> LaunchResult:
    """Launch what is due at a moment."""
    return due_schedules.launch_due(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        moment=moment,
    )


def launched(store: Store) -> list[tuple[str, str]]:
    """The actor and the origin of each deployment, oldest first."""
    with store.begin() as db:
        found = db.execute(
            select(table.c.actor, table.c.origin).order_by(table.c.id)
        ).all()
    return [(row.actor, row.origin) for row in found]


def end(store: Store, number: int) -> None:
    """Let a deployment succeed now."""
    with store.begin() as db:
        db.execute(
            update(table)
            .where(table.c.id == number)
            .values(status=Status.SUCCESSFUL.value, finished_at=datetime.now(UTC))
        )
