"""Trends: what is summed up of the last runs, and the bars that show it."""

import pytest

from app.domain.deployment import Status
from app.domain.trends import StepDuration, TrendRun, trend_of
from app.web.chart import ChartBar, bars, level, of_trend
from testing.factories import NOW


def run(
    number: int,
    seconds: float | None,
    well: bool = True,  # noqa: FBT001, FBT002 - a table of runs is read in columns
    **steps: float,
) -> TrendRun:
    status = Status.SUCCESSFUL if well else Status.FAILED
    return TrendRun(number, status, NOW, seconds, steps)


RUNS = [
    run(1, 10.0, prepare=4.0),
    run(2, 99.0, False, prepare=1.0),
    run(3, 30.0, prepare=2.0, verify=20.0),
    run(4, None, False),
    run(5, 20.0, verify=5.0),
]


def test_a_trend_counts_outcomes_and_has_the_usual_duration_of_successes() -> None:
    trend = trend_of(RUNS)

    assert {Status.SUCCESSFUL: 3, Status.FAILED: 2} == trend.outcomes
    assert pytest.approx(0.6) == trend.rate
    assert trend.whole is not None
    assert (20.0, 20.0, 30.0) == (
        trend.whole.last, trend.whole.usual, trend.whole.slowest,
    )  # fmt: skip
    assert [
        StepDuration("verify", [None, 20.0, 5.0], 5.0, 12.5, 20.0),
        StepDuration("prepare", [4.0, 2.0, None], 2.0, 3.0, 4.0),
    ] == list(trend.steps)


def test_a_trend_of_nothing_good_has_no_usual() -> None:
    trend = trend_of([run(1, 3.0, False), run(2, None, False)])

    assert (None, [], 0.0) == (trend.whole, trend.steps, trend.rate)
    assert [0] == [bar.position for bar in of_trend(trend).bars]


def test_bars_stand_on_the_ground_and_the_newest_at_the_right() -> None:
    found = bars([10.0, None, 5.0], top=10.0, places=4)

    assert [
        ChartBar(0, x=27.5, y=0.0, width=20.0, height=100.0),
        ChartBar(2, x=77.5, y=50.0, width=20.0, height=50.0),
    ] == found


@pytest.mark.parametrize(
    ("value", "top", "height"),
    [(0.0, 10.0, 1.5), (0.0, 0.0, 1.5), (20.0, 10.0, 100.0), (2.0, 10.0, 20.0)],
)
def test_a_bar_is_never_invisible_and_never_too_high(
    value: float, top: float, height: float
) -> None:
    (bar,) = bars([value], top=top)

    assert (height, 100.0 - height) == (bar.height, bar.y)


def test_a_level_is_measured_from_the_top() -> None:
    assert [75.0, 0.0, 100.0] == [
        level(2.5, top=10.0), level(11.0, top=10.0), level(0.0, top=0.0),
    ]  # fmt: skip


def test_nothing_is_drawn_of_nothing() -> None:
    assert [] == bars([], top=0.0)
