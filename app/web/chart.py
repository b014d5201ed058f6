"""Calculate charts for an SVG: bars in a box of 100 by 100, which CSS stretches."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.trends import StepDuration, Trend

#: Width and height of the box; the bars start at the bottom.
SIZE = 100.0
#: The width of a bar as a share of its place; the rest is the gap.
_FILLED = 0.8
#: The minimum number of places in a trend, so that a few bars aren't too wide.
_PLACES = 25
#: The minimum height of a bar, so that a duration of 0 is visible.
_LEAST = 1.5


@dataclass(frozen=True, slots=True)
class ChartBar:
    """A bar; `position` counts from 0."""

    position: int
    x: float
    y: float
    width: float
    height: float


def bars(
    values: Sequence[float | None], *, top: float, places: int = 0
) -> list[ChartBar]:
    """Return a bar for each value that isn't None.

    Args:
        values: The values, aligned to the right.
        top: The value of a bar as high as the box.
        places: The minimum number of places; at least one for each value.
    """
    places = max(places, len(values))
    place = SIZE / places if places else 0.0
    first = places - len(values)
    found = []
    for position, value in enumerate(values):
        if value is None:
            continue
        height = max(SIZE * min(value / top, 1.0), _LEAST) if top > 0 else _LEAST
        found.append(
            ChartBar(
                position,
                x=round((first + position + (1 - _FILLED) / 2) * place, 3),
                y=round(SIZE - height, 3),
                width=round(place * _FILLED, 3),
                height=round(height, 3),
            )
        )
    return found


def level(value: float, *, top: float) -> float:
    """Return the distance of a value from the top of the box."""
    return round(SIZE - SIZE * min(value / top, 1.0), 3) if top > 0 else SIZE


def thousandths(value: float, whole: float) -> int:
    """Return the width of a bar, from 4 to 1000; one of `whole` is 1000 wide."""
    return min(max(round(1000 * value / whole), 4), 1000) if whole > 0 else 4


@dataclass(frozen=True, slots=True)
class TrendChart:
    """The bars of a trend: of its runs, with the usual duration, and of each step."""

    bars: Sequence[ChartBar]
    top: float
    usual: float
    steps: Sequence[tuple[StepDuration, Sequence[ChartBar]]]


def of_trend(trend: Trend) -> TrendChart:
    """Return the chart of a trend: bars of the started runs and of their steps."""
    seconds = [run.seconds for run in trend.runs]
    top = max((value for value in seconds if value is not None), default=0.0)
    return TrendChart(
        bars=bars(seconds, top=top, places=_PLACES),
        top=top,
        usual=level(trend.whole.usual, top=top) if trend.whole else SIZE,
        steps=[
            (s, bars(s.seconds, top=s.slowest, places=_PLACES)) for s in trend.steps
        ],
    )
