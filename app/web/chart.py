"""Charts as numbers for an SVG: bars in a box of 100 by 100, which is stretched."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.trends import StepDuration, Trend

#: The box in which bars stand; a bar has its foot at the bottom.
SIZE = 100.0
#: The share of its place that a bar takes; the rest keeps it apart from the next.
_FILLED = 0.8
#: Places in a trend: the bars of a few runs are no wider than those of so many.
_PLACES = 25
#: The least height of a bar, so that what took no time is there all the same.
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
    """A bar for each value, but None, of which `top` is the height of the box.

    They stand in so many places from the right, or in as many as there are values.
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
    """How far from the top of the box a value is."""
    return round(SIZE - SIZE * min(value / top, 1.0), 3) if top > 0 else SIZE


@dataclass(frozen=True, slots=True)
class TrendChart:
    """The bars of a trend: of its runs, with the usual's level, and of each step."""

    bars: Sequence[ChartBar]
    top: float
    usual: float
    steps: Sequence[tuple[StepDuration, Sequence[ChartBar]]]


def of_trend(trend: Trend) -> TrendChart:
    """Draw a trend: a bar for each run that was started, and for each of its steps."""
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
