"""The steps of a deployment on one line of time, each beside what is usual for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.duration import seconds_between
from app.domain.estimate import is_longer
from app.domain.steps import Step

#: What a bar's place and length are counted in: thousandths of the whole line.
WIDTH = 1000
#: A step of no time is still seen.
_LEAST = 6


@dataclass(frozen=True, slots=True)
class TimelineBar:
    """When a step began and how long it took, in thousandths of the line of time.

    `usual` is the length that it usually has, None where nothing is known of it.
    `longer` says that it took (or takes) notably longer than that.
    """

    begin: int
    length: int
    usual: int | None
    longer: bool


def bars(
    steps: Iterable[Step], usual: Mapping[str, float], now: datetime
) -> dict[int, TimelineBar]:
    """The bars of the steps that were begun, by position.

    The line reaches from the first step's beginning to the end of the last one, or to
    where the longest would usually end.
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
