"""The steps of a deployment on a timeline, each with its usual duration."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.duration import seconds_between
from app.domain.estimate import is_longer
from app.domain.steps import Step

#: Unit of a bar's position and length: thousandths of the timeline.
WIDTH = 1000
#: Minimum length, so that a very short step is visible.
_LEAST = 6


@dataclass(frozen=True, slots=True)
class TimelineBar:
    """The start and duration of a step, in thousandths of the timeline.

    `usual` is its usual length, None if unknown. `longer` says that it took (or takes)
    notably longer.
    """

    begin: int
    length: int
    usual: int | None
    longer: bool


def bars(
    steps: Iterable[Step], usual: Mapping[str, float], now: datetime
) -> dict[int, TimelineBar]:
    """Return the bars of the started steps, by position.

    The timeline reaches from the start of the first step to the latest actual or usual
    end of a step.
    """
    begun = [
        (step, step.started_at, (step.finished_at or now))
        for step in steps
        if step.started_at is not None
    ]
    if not begun:
        return {}
    first = min(start for _, start, _ in begun)
    spans = [
        (
            step,
            seconds_between(first, start),
            seconds_between(start, end),
        )
        for step, start, end in begun
    ]
    whole = max(
        begin + max(seconds, usual.get(step.name, 0.0))
        for step, begin, seconds in spans
    )
    scale = WIDTH / whole if whole > 0 else 0.0
    return {
        step.position: _bar(begin, seconds, usual.get(step.name), scale)
        for step, begin, seconds in spans
    }


def _bar(
    begin: float, seconds: float, usual: float | None, scale: float
) -> TimelineBar:
    start = min(round(begin * scale), WIDTH - _LEAST)
    return TimelineBar(
        begin=start,
        length=_length(seconds, start, scale),
        usual=None if usual is None else _length(usual, start, scale),
        longer=usual is not None and is_longer(seconds, usual),
    )


def _length(seconds: float, start: int, scale: float) -> int:
    return max(min(round(seconds * scale), WIDTH - start), _LEAST)
