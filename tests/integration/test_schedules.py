"""Schedules are synced, paused and launched: each instant once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from app import bootstrap
from app.domain.access import Actor, Permission
from app.domain.deployment import Origin, Status
from app.domain.service import Service
from app.errors import Invalid, NotAllowed, NotFound
from app.project_folder import without_credentials
from app.queue import make_queue
from app.settings import Settings
from app.store import deployments, services
from app.store import schedules as rows
from app.store.deployment_tables import deployments as table
from app.store.schedules import StoredSchedule
from app.store.service_tables import schedules as schedule_table
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import due_schedules, schedules
from app.usecases.due_schedules import LaunchResult
from app.usecases.schedule_sources import ScheduleSources
from testing.factories import ROOT, make_schema, make_service

HOUR = timedelta(hours=1)


def nightly(**fields: Any) -> dict[str, Any]:
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
    return schedules.find_named(store, "hello", "nightly").stored


def next_of(schedule: StoredSchedule) -> datetime:
    assert schedule.next_at is not None
    return schedule.next_at


def launch_due(store: Store, settings: Settings, moment: datetime) -> LaunchResult:
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
    with store.begin() as db:
        db.execute(
            update(table)
            .where(table.c.id == number)
            .values(status=Status.SUCCESSFUL.value, finished_at=datetime.now(UTC))
        )


def test_an_instant_is_launched_once_when_it_has_come(
    store: Store, settings: Settings
) -> None:
    service = make_service(
        variables=make_schema(version={"type": "string", "default": "1"}),
        schedules=[nightly(variables={"version": "2"})],
    )
    sync(store, service)
    first = next_of(stored(store))

    assert [] == launch_due(store, settings, first - timedelta(seconds=1)).launched
    (number,) = launch_due(store, settings, first).launched
    assert [] == launch_due(store, settings, first).launched

    assert [("schedule nightly", "schedule")] == launched(store)
    with store.begin() as db:
        found = deployments.find(db, number)
        actions = db.execute(text("SELECT actor, action FROM audit")).all()
    assert found is not None
    assert {"version": "2"} == found.variables
    assert Origin.SCHEDULE is found.origin
    assert [("schedule nightly", "launch")] == [tuple(row) for row in actions]
    now = stored(store)
    assert (first, first + HOUR) == (now.last_at, now.next_at)
    assert (number, Status.QUEUED) == (now.last_deployment, now.last_status)


def test_workers_that_race_launch_each_instant_once(
    store: Store, settings: Settings
) -> None:
    names = [f"s{number}" for number in range(40)]
    sync(store, *(make_service(name=n, schedules=[nightly()]) for n in names))
    moment = next_of(schedules.find_named(store, "s0", "nightly").stored)
    stores = [bootstrap.make_store(settings) for _ in range(3)]
    barrier = threading.Barrier(len(stores))

    def work(mine: Store) -> LaunchResult:
        barrier.wait()
        return launch_due(mine, settings, moment)

    try:
        with ThreadPoolExecutor(len(stores)) as pool:
            done = list(pool.map(work, stores))
    finally:
        for each in stores:
            each.close()

    numbers = [number for each in done for number in each.launched]
    assert 40 == len(set(numbers))
    assert 40 == len(launched(store))
    assert not any(each.skipped for each in done)
    with store.begin() as db:
        jobs = db.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one()
    assert 40 == jobs


def test_an_instant_that_is_planned_again_is_not_launched_again(
    store: Store, settings: Settings
) -> None:
    """The clock of PostgreSQL was put back, or a time was changed and changed back."""
    variables = make_schema(version={"type": "string", "default": "1"})
    both = {"variables": variables, "name": "hello"}
    config = nightly(overlap="queue")
    sync(store, make_service(**both, schedules=[config]))
    first = next_of(stored(store))
    numbers = launch_due(store, settings, first).launched

    with store.begin() as db:
        db.execute(update(schedule_table).values(next_at=first))
    numbers += launch_due(store, settings, first).launched
    sync(
        store,
        make_service(**both, schedules=[config | {"variables": {"version": "2"}}]),
    )
    with store.begin() as db:
        db.execute(update(schedule_table).values(next_at=first))
    numbers += launch_due(store, settings, first).launched

    assert [numbers[0]] * 3 == numbers
    assert 1 == len(launched(store))
    assert first + HOUR == stored(store).next_at


def test_a_clock_that_is_put_back_repeats_nothing(
    store: Store, settings: Settings
) -> None:
    first = next_of(plan(store))
    launch_due(store, settings, first)

    for minutes in (-90, -60, -1, 0, 30, 59):
        launch_due(store, settings, first + timedelta(minutes=minutes))

    assert 1 == len(launched(store))


def test_a_clock_that_was_a_year_ahead_silences_no_schedule_after_a_sync(
    store: Store, settings: Settings
) -> None:
    first = next_of(plan(store, missed="run-once"))
    launch_due(store, settings, first + 365 * 24 * HOUR)

    plan(store, missed="run-once")

    assert first == stored(store).next_at


@pytest.mark.parametrize(("missed", "count"), [("skip", 0), ("run-once", 1)])
def test_ten_instants_without_a_worker_are_skipped_or_launched_once(
    store: Store, settings: Settings, missed: str, count: int
) -> None:
    first = next_of(plan(store, missed=missed))
    back = first + 9 * HOUR + timedelta(minutes=30)

    done = launch_due(store, settings, back)

    assert (count, 1 - count) == (len(done.launched), len(done.skipped))
    assert count == len(launched(store))
    now = stored(store)
    assert (first + 9 * HOUR, first + 10 * HOUR) == (now.last_at, now.next_at)
    assert ("missed" in now.problem) == (missed == "skip")


def test_a_deployment_that_has_not_ended_prevents_the_next_or_is_followed_by_it(
    store: Store, settings: Settings
) -> None:
    first = next_of(plan(store))
    (number,) = launch_due(store, settings, first).launched

    skipped = launch_due(store, settings, first + HOUR)
    problem = stored(store).problem
    end(store, number)
    after = launch_due(store, settings, first + 2 * HOUR)
    sync(store, make_service(schedules=[nightly(overlap="queue")]))
    queued = launch_due(store, settings, first + 3 * HOUR)

    assert ([], 1) == (skipped.launched, len(skipped.skipped))
    assert f"skipped: deployment {number} had not ended" == problem
    assert [1, 1] == [len(after.launched), len(queued.launched)]
    assert "" == stored(store).problem


def test_a_launch_that_is_refused_is_reported_and_the_next_instant_is_planned(
    store: Store, settings: Settings
) -> None:
    first = next_of(plan(store))
    with store.begin() as db:
        services.put(db, [FoundService("hello", None, "it is broken")], node="here")
        services.settle(db)

    done = launch_due(store, settings, first)

    assert ([], 1) == (done.launched, len(done.skipped))
    now = stored(store)
    assert "not launched: service hello is invalid: it is broken" == now.problem
    assert first + HOUR == now.next_at
    assert [] == launched(store)


def test_a_sync_keeps_what_a_schedule_has_planned_and_done(
    store: Store, settings: Settings
) -> None:
    first = next_of(plan(store))
    with store.begin() as db:
        db.execute(update(schedule_table).values(next_at=first - HOUR))
    launch_due(store, settings, first - HOUR)
    before = stored(store)

    plan(store)
    same = stored(store)
    plan(store, overlap="queue")
    other_rule = stored(store)
    plan(store, cron="30 * * * *")
    other_time = stored(store)

    assert before == same
    assert (before.id, before.next_at) == (other_rule.id, other_rule.next_at)
    assert "queue" == other_rule.schedule.overlap
    assert before.id == other_time.id
    assert 30 == next_of(other_time).minute
    assert before.last_deployment == other_time.last_deployment


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


def test_a_time_that_has_passed_is_not_planned(store: Store) -> None:
    once = {"cron": "", "at": "2020-01-01T00:00"}

    assert plan(store, **once).next_at is None


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


def test_due_schedules_are_found_by_an_index(store: Store) -> None:
    """With thousands of schedules, a search reads those that are due only."""
    plan(store)
    with store.begin() as db:
        db.execute(
            text(
                "INSERT INTO schedules (service_id, name, config, next_at) "
                "SELECT service_id, 's' || n, config, now() + interval '1 day' "
                "FROM schedules, generate_series(1, 5000) n"
            )
        )
        db.execute(text("ANALYZE schedules"))
        plan_of = db.execute(
            text("EXPLAIN SELECT id FROM schedules WHERE next_at <= now() "
                 "ORDER BY next_at LIMIT 50")
        ).scalars().all()  # fmt: skip

        assert [] == rows.due(db, rows.now(db), 50)
    assert any("ix_schedules_next_at" in line for line in plan_of), plan_of
