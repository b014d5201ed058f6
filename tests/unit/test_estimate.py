"""How far a run is and how long it will take."""

from datetime import timedelta

import pytest

from app.domain.estimate import Progress, estimate
from app.domain.events import StepState
from app.domain.steps import Step
from testing.factories import NOW


def make_step(name: str, *, began: float | None = None, ended: bool = False) -> Step:
    """A step that began `began` seconds ago, and has ended or not."""
    started = None if began is None else NOW - timedelta(seconds=began)
    state = StepState.SUCCESS if ended else StepState.RUNNING
    return Step(
        1,
        name,
        declared=True,
        state=StepState.PENDING if started is None else state,
        started_at=started,
        finished_at=NOW if ended else None,
    )


@pytest.mark.parametrize(
    ("steps", "expected", "progress"),
    [
        pytest.param([], {"a": 10.0}, Progress(0.0, None), id="no-steps"),
        pytest.param(
            [make_step("a", began=1, ended=True), make_step("b")],
            {},
            Progress(0.5, None),
            id="without-history-steps-are-counted",
        ),
        pytest.param(
            [make_step("a", began=50), make_step("b")],
            {},
            Progress(0.0, None),
            id="without-history-time-tells-nothing",
        ),
        pytest.param(
            [make_step("a", began=1, ended=True), make_step("b", began=5)],
            {"a": 30.0, "b": 10.0},
            Progress(0.875, 5.0),
            id="steps-count-with-their-usual-seconds",
        ),
        pytest.param(
            [make_step("a", began=9000), make_step("b")],
            {"a": 20.0, "b": 20.0},
            Progress(0.475, 21.0, late=True),
            id="a-slow-step-stays-short-of-its-share",
        ),
        pytest.param(
            [make_step("a", began=1.5)],
            {"a": 0.1},
            Progress(0.95, 0.005),
            id="a-second-more-is-not-worth-saying",
        ),
        pytest.param(
            [make_step("a", began=9000, ended=True), make_step("b", began=1)],
            {"a": 20.0, "b": 20.0},
            Progress(0.525, 19.0),
            id="a-slow-step-that-has-ended-makes-nothing-late",
        ),
        pytest.param(
            [make_step("a", began=-60), make_step("b")],
            {"a": 20.0, "b": 20.0},
            Progress(0.0, 40.0),
            id="a-clock-that-went-back",
        ),
        pytest.param(
            [make_step("a", began=1, ended=True), make_step("new")],
            {"a": 20.0},
            Progress(0.5, 20.0),
            id="a-new-step-counts-as-the-mean",
        ),
        pytest.param(
            [make_step("a", began=1, ended=True), make_step("b")],
            {"a": 0.0, "b": 0.0},
            Progress(0.5, 0.01),
            id="steps-of-no-time-at-all",
        ),
    ],
)
def test_progress_is_estimated_from_usual_durations(
    steps: list[Step], expected: dict[str, float], progress: Progress
) -> None:
    found = estimate(steps, expected, NOW)

    assert progress.fraction == pytest.approx(found.fraction)
    assert progress.remaining == pytest.approx(found.remaining)
    assert progress.late == found.late


def test_a_run_whose_steps_all_ended_is_at_its_end() -> None:
    steps = [make_step("a", began=3, ended=True), make_step("b", began=3, ended=True)]

    assert Progress(1.0, 0.0) == estimate(iter(steps), {"a": 1.1, "b": 2.2}, NOW)
