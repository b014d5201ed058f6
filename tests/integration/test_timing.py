"""Where the time of a deployment went: measured at its end, read afterwards."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.domain.deployment import Deployment
from app.domain.timing import Timing
from app.settings import Settings
from app.store.events import Occurrence
from app.store.store import Store
from app.usecases import deploy, record, timing
from app.usecases.record import Place
from app.worker.translate import translate
from testing.factories import (
    NOW,
    begins,
    make_service,
    make_step_line,
    set_columns,
    start_deployment,
    takes,
)

SERVICE = make_service(
    name="fleet", deploy_script=None, playbook="deploy.yml", steps=[]
)

Span = tuple[str, str, float, float]


def start(store: Store, settings: Settings, **options: object) -> Deployment:
    """A deployment that was asked for at 0 s and started at 4 s."""
    running = start_deployment(store, settings, SERVICE)
    with store.begin() as db:
        set_columns(
            db, running.id, created_at=NOW, started_at=NOW + timedelta(seconds=4),
            **options,
        )  # fmt: skip
    return running


def run(
    store: Store,
    settings: Settings,
    *spans: Span,
    items: int = 0,
    exit_code: int = 0,
    **options: object,
) -> Timing:
    """What is read of a run whose tasks were active on hosts in these spans.

    A span has the task, the host, and when it began and ended in seconds. The run ended
    at 60 s.
    """
    running = start(store, settings, **options)
    lines: list[tuple[float, bytes]] = []
    for task, host, begin, end in spans:
        lines += [
            (begin, begins(task)),
            (end, takes(task, host, end - begin, items=items)),
        ]
    record_at(store, running.id, lines)
    record.finish(store, running.id, exit_code, at=NOW + timedelta(seconds=60))
    return timing.look(store, running.id)


def record_at(
    store: Store, deployment_id: int, lines: Iterable[tuple[float, bytes]]
) -> None:
    """Record lines of a journal at these seconds."""
    found = deploy.find(store, deployment_id)
    steps = record.stored_steps(store, deployment_id)
    batch = []
    for seconds, line in sorted(lines, key=lambda pair: pair[0]):
        at, event = NOW + timedelta(seconds=seconds), translate(line)
        batch.append(Occurrence(at, event, steps.apply(event, at)))
    record.record(
        store, deployment_id, was=Place(found.journal_offset, found.last_event),
        offset=found.journal_offset + 1, batch=batch, changed=steps.take_changed(),
    )  # fmt: skip


def phases(timing: Timing) -> dict[str, float]:
    return {phase.name: phase.seconds for phase in timing.phases}


def test_a_run_is_split_into_phases_that_add_up(
    store: Store, settings: Settings
) -> None:
    found = run(
        store, settings,
        ("Gathering Facts", "a", 10, 12), ("Gathering Facts", "b", 10, 13),
        ("Install", "a", 13, 43), ("Install", "b", 13, 53),
    )  # fmt: skip

    assert {
        "waiting": 4.0, "preparing": 6.0, "connecting": 3.0, "tasks": 40.0,
        "finishing": 7.0,
    } == phases(found)  # fmt: skip
    assert "first task on 2 hosts: Gathering Facts" == found.phases[2].about


def test_a_task_counts_the_time_in_which_any_host_worked_on_it(
    store: Store, settings: Settings
) -> None:
    """Also with fewer forks than hosts, and with a task that is repeated."""
    found = run(
        store, settings,
        ("Copy", "a", 10, 14), ("Copy", "b", 12, 15), ("Copy", "c", 15, 16),
        ("Other", "a", 16, 18), ("Copy", "a", 20, 23),
    )  # fmt: skip

    copy, other = found.slow
    assert ("Copy", 9.0, 3) == (copy.name, copy.seconds, copy.hosts)
    assert [("a", 7.0), ("b", 3.0), ("c", 1.0)] == [
        (one.host, one.seconds) for one in copy.slowest
    ]
    assert ("Other", 2.0) == (other.name, other.seconds)


def test_a_task_is_compared_with_complete_successful_runs_of_its_service_only(
    store: Store, settings: Settings
) -> None:
    for seconds in (4, 5, 6):
        run(store, settings, ("Install", "a", 10, 10 + seconds))
    run(store, settings, ("Install", "a", 10, 50), exit_code=2)
    run(store, settings, ("Install", "a", 10, 50), partial=True)

    whole = run(store, settings, ("Install", "a", 10, 30))
    part = run(store, settings, ("Install", "a", 10, 30), partial=True)

    assert [(5.0, True)] == [(one.usual, one.longer) for one in whole.slow]
    assert [(None, False)] == [(one.usual, one.longer) for one in part.slow]


def test_a_loop_over_packages_gets_a_hint(store: Store, settings: Settings) -> None:
    looped = run(store, settings, ("Install", "a", 10, 20), items=7)
    listed = run(store, settings, ("Install", "a", 10, 20))

    assert ["apt runs for each of 7 packages" in hint for hint in looped.hints] == [
        True
    ]
    assert () == listed.hints


def test_an_active_deployment_and_one_without_a_profile_have_no_tasks(
    store: Store, settings: Settings
) -> None:
    running = start(store, settings)
    assert Timing() == timing.look(store, running.id)

    record.fail(store, running.id, "gone", at=NOW + timedelta(seconds=9))

    assert {"waiting": 4.0, "preparing": 5.0} == phases(timing.look(store, running.id))


def test_a_run_ends_even_if_its_times_cannot_be_stored(
    store: Store, settings: Settings
) -> None:
    with store.begin() as db:
        db.execute(text("ALTER TABLE timings ADD CONSTRAINT refusal CHECK (false)"))
    try:
        found = run(store, settings, ("Install", "a", 10, 40))
    finally:
        with store.begin() as db:
            db.execute(text("ALTER TABLE timings DROP CONSTRAINT refusal"))

    assert {"waiting": 4.0, "running": 56.0} == phases(found)


def test_a_script_has_its_steps(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)
    with store.begin() as db:
        set_columns(db, running.id, created_at=NOW, started_at=NOW)
    record_at(store, running.id, [
        (3, make_step_line("prepare")), (10, make_step_line("prepare", "success")),
        (10, make_step_line("verify")),
    ])  # fmt: skip
    record.finish(store, running.id, 0, at=NOW + timedelta(seconds=12))

    found = timing.look(store, running.id)

    assert {"waiting": 0.0, "preparing": 3.0, "running": 9.0} == phases(found)
    assert [("prepare", 7.0), ("verify", 2.0)] == [
        (one.name, one.seconds) for one in found.slow
    ]


@pytest.mark.parametrize("duration", ["1e400", '"3"', "-1", "true", "null", "1e300"])
def test_an_impossible_duration_of_a_hostile_event_is_left_out(duration: str) -> None:
    line = takes("t", "a", 1.5).replace(
        b'"duration": 1.5', f'"duration": {duration}'.encode()
    )

    event = translate(line)

    assert None is getattr(event, "seconds", None)


def test_ten_tasks_are_listed_and_further_ones_still_show_what_is_usual(
    store: Store, settings: Settings
) -> None:
    """A task that was fast in earlier runs can be the slowest one in this run."""
    spans: list[Span] = [
        (f"Task {n}", "a", 10 + n, 10 + n + (12 - n) / 10) for n in range(12)
    ]
    run(store, settings, *spans)

    found = run(store, settings, *spans, ("Task 11", "a", 30, 50))

    assert (10, 2) == (len(found.slow), found.more)
    assert ("Task 11", 0.1, True) == (
        found.slow[0].name, found.slow[0].usual, found.slow[0].longer,
    )  # fmt: skip
