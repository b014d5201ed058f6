"""Schedules are removed, paused, run at once, and protected."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app import bootstrap
from app.domain.access import Actor, Permission
from app.domain.deployment import Origin
from app.errors import Invalid, NotAllowed, NotFound
from app.project_folder import without_credentials
from app.queue import make_queue
from app.settings import Settings
from app.store.store import Store
from app.usecases import schedules
from app.usecases.schedule_sources import ScheduleSources
from testing.factories import ROOT, make_service
from testing.planned_schedules import launch_due, launched, next_of, plan, stored, sync

HOUR = timedelta(hours=1)


def test_a_schedule_that_is_removed_launches_nothing(
    store: Store, settings: Settings
) -> None:
    first = next_of(plan(store))

    sync(store, make_service())
    assert [] == launch_due(store, settings, first).launched
    first = next_of(plan(store))
    sync(store, make_service(name="other"))
    assert [] == launch_due(store, settings, first).launched

    with pytest.raises(NotFound, match="service 'hello' has no schedule 'nightly'"):
        stored(store)


def test_a_pause_launches_nothing_and_makes_up_for_nothing(
    store: Store, settings: Settings
) -> None:
    schedule = plan(store, missed="run-once")
    first = next_of(schedule)
    schedules.pause(store, ROOT, schedule.id, first + timedelta(minutes=90))

    assert [] == launch_due(store, settings, first + HOUR).launched
    assert 1 == len(launch_due(store, settings, first + 2 * HOUR).launched)
    assert stored(store).paused_at is None
    schedules.pause(store, ROOT, schedule.id)
    # A sync doesn't end the pause.
    plan(store, cron="*/10 * * * *")
    assert schedules.find(store, schedule.id).paused
    assert [] == launch_due(store, settings, first + 200 * HOUR).launched
    schedules.resume(store, ROOT, schedule.id)
    assert not schedules.find(store, schedule.id).paused
    assert 0 == next_of(stored(store)).minute % 10
    with store.begin() as db:
        noted = db.execute(
            text("SELECT action, subject FROM audit WHERE action LIKE '% schedule'")
        ).all()
    subject = "hello: nightly"
    assert [
        ("pause schedule", subject), ("pause schedule", subject),
        ("resume schedule", subject),
    ] == [tuple(row) for row in noted]  # fmt: skip


def test_a_pause_must_end_in_the_future(store: Store) -> None:
    schedule = plan(store)

    with pytest.raises(Invalid, match="must end in the future"):
        schedules.pause(store, ROOT, schedule.id, datetime(2020, 1, 1, tzinfo=UTC))


def test_a_schedule_is_run_now_by_somebody(store: Store, settings: Settings) -> None:
    schedule = plan(store)
    queue, secret_box = make_queue(settings), bootstrap.make_secret_box(settings)

    number = schedules.run_now(
        store,
        queue,
        secret_box,
        ROOT,
        schedule.id,
        origin=Origin.CLI,
        sources=ScheduleSources(settings, without_credentials),
    )

    assert [("tester (host)", "cli")] == launched(store)
    now = stored(store)
    assert (number, schedule.next_at, None) == (
        now.last_deployment,
        now.next_at,
        now.last_at,
    )


def test_a_viewer_changes_no_schedule(store: Store, settings: Settings) -> None:
    schedule = plan(store)
    viewer = Actor("vera", frozenset({Permission.VIEW}))
    queue, secret_box = make_queue(settings), bootstrap.make_secret_box(settings)

    with pytest.raises(NotAllowed):
        schedules.pause(store, viewer, schedule.id)
    with pytest.raises(NotAllowed):
        schedules.resume(store, viewer, schedule.id)
    with pytest.raises(NotAllowed):
        schedules.run_now(
            store,
            queue,
            secret_box,
            viewer,
            schedule.id,
            origin=Origin.CLI,
            sources=ScheduleSources(settings, without_credentials),
        )

    assert schedule == stored(store)
    assert [] == launched(store)
