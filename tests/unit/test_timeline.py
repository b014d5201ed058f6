"""The bars of the steps: on one line of time, beside what is usual."""

from datetime import timedelta

from app.domain.events import StepState
from app.domain.steps import Step
from app.domain.timeline import WIDTH, bars
from testing.factories import NOW


def make_step(position: int, begin: float, end: float | None) -> Step:
    return Step(
        position,
        f"step {position}",
        declared=True,
        state=StepState.RUNNING if end is None else StepState.SUCCESS,
        started_at=NOW + timedelta(seconds=begin),
        finished_at=None if end is None else NOW + timedelta(seconds=end),
    )


def test_bars_share_one_line_of_time() -> None:
    found = bars([make_step(1, 0, 10), make_step(2, 10, 40)], {}, NOW)

    assert (0, 250) == (found[1].begin, found[1].length)
    assert (250, 750) == (found[2].begin, found[2].length)


def test_a_step_that_runs_has_a_bar_up_to_now() -> None:
    now = NOW + timedelta(seconds=20)

    found = bars([make_step(1, 0, 10), make_step(2, 10, None)], {"step 2": 30.0}, now)

    assert (250, 250, 750) == (found[2].begin, found[2].length, found[2].usual)


def test_a_step_of_no_time_is_seen_and_stays_on_the_line() -> None:
    found = bars([make_step(1, 0, 10), make_step(2, 10, 10)], {}, NOW)

    assert found[2].length > 0
    assert found[2].begin + found[2].length == WIDTH


def test_a_step_that_was_not_started_has_no_bar() -> None:
    assert {} == bars([Step(1, "never", declared=True)], {"never": 3.0}, NOW)


def test_a_step_is_longer_than_usual_only_if_that_is_worth_saying() -> None:
    steps = [make_step(1, 0, 10), make_step(2, 10, 11), make_step(3, 11, 23)]
    usual = {"step 1": 4.0, "step 2": 0.1, "step 3": 10.0}

    found = bars(steps, usual, NOW)

    assert [True, False, False] == [found[n].longer for n in (1, 2, 3)]


def test_a_clock_that_went_back_breaks_nothing() -> None:
    found = bars([make_step(1, 5, 2), make_step(2, 5, 5)], {}, NOW)

    assert {1, 2} == set(found)
