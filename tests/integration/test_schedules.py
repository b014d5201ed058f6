"""Schedules are synced, paused and launched: each instant once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from app import bootstrap
from app.domain.deployment import Origin, Status
from app.settings import Settings
from app.store import deployments, services
from app.store import schedules as rows
from app.store.service_tables import schedules as schedule_table
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import schedules
from app.usecases.due_schedules import LaunchResult
from testing.factories import make_schema, make_service
from testing.planned_schedules import (
    end,
    launch_due,
    launched,
    next_of,
    nightly,
    plan,
    stored,
    sync,
)

HOUR = timedelta(hours=1)


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


def test_a_time_that_has_passed_is_not_planned(store: Store) -> None:
    once = {"cron": "", "at": "2020-01-01T00:00"}

    assert plan(store, **once).next_at is None


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
