"""Estimate the progress of a deployment from the durations of successful runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.duration import seconds_between
from app.domain.steps import Step

#: A step takes longer than usual if it takes this many times its usual duration …
_LONGER = 1.5
#: … and the difference is at least this many seconds.
_WORTH_SAYING = 2.0
#: A deployment runs late if it has run for this many times its usual time …
LATE_FACTOR = 1.5
#: … and the difference is at least this many seconds …
LATE_SECONDS = 60
#: … and the usual time is the median of at least this many earlier runs.
LATE_FROM = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress: `fraction` from 0 to 1; `remaining` in seconds, None if unknown.

    `late` says that a step takes longer than usual, so `remaining` may be too low.
    """

    fraction: float
    remaining: float | None
    late: bool = False


def is_longer(seconds: float, usual: float) -> bool:
    """Return whether a step took notably longer than usual."""
    return seconds > usual * _LONGER and seconds - usual >= _WORTH_SAYING


def estimate(
    steps: Iterable[Step], expected: Mapping[str, float], now: datetime
) -> Progress:
    """Estimate the progress of a run from its steps and their usual seconds.

    The weight of a step is its usual duration in seconds. A step without one gets the
    mean of the others, or 1 if none has one: then the finished steps are counted. A
    running step counts for at most 95 % of its weight.
    """
    steps = list(steps)
    if not steps:
        return Progress(0.0, None)
    known = [expected[s.name] for s in steps if s.name in expected]
    usual = sum(known) / len(known) if known else 1.0
    total = done = 0.0
    late = False
    for step in steps:
        # The minimum keeps steps of a few milliseconds from having no weight.
        share = max(expected.get(step.name, usual), 0.01)
        total += share
        if step.finished_at is not None:
            done += share
        elif step.started_at is not None:
            passed = seconds_between(step.started_at, now)
            done += min(passed, 0.95 * share) if known else 0.0
            late |= step.name in expected and is_longer(passed, share)
    remaining = total - done if known else None
    return Progress(min(done / total, 1.0), remaining, late)
