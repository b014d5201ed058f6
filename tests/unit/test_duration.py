"""Durations and the clock of a run, with clocks that were moved."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.duration import seconds_between
from app.domain.events import StepReported, StepState
from app.domain.steps import Steps
from app.worker.run_clock import reconcile

START = datetime(2026, 5, 4, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(("seconds", "expected"), [(5, 5), (0, 0), (-7200, 0)])
def test_a_duration_is_never_negative(seconds: float, expected: float) -> None:
    assert expected == seconds_between(START, after(seconds))


def test_a_step_never_ends_before_it_began() -> None:
    steps = Steps([])
    for state, at in ((StepState.RUNNING, 0), (StepState.SUCCESS, -7200)):
        steps.apply(StepReported("one", state, "", ""), after(at))

    (step,) = steps.take_changed()

    assert (START, START, 0) == (step.started_at, step.finished_at, step.seconds)


@pytest.mark.parametrize(
    ("clock", "expected"),
    [(600, 600), (603, 603), (601 - 30, 571), (7800, 600), (-6600, 600)],
    ids=["agrees", "late start", "adjusted", "moved forward", "moved back"],
)
def test_the_time_of_a_run_is_the_hosts_unless_that_was_moved(
    clock: float, expected: float
) -> None:
    assert after(expected) == reconcile(START, 600, after(clock))


def test_a_run_has_no_time_before_its_start() -> None:
    assert START == reconcile(START, 1, after(-5))
