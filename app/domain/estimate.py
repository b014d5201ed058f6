"""How far a deployment is and how long it will take, from runs that went well."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.duration import seconds_between
from app.domain.steps import Step

#: A step that takes so many times its usual seconds takes longer than usual …
_LONGER = 1.5
#: … if that makes a difference of so many seconds.
_WORTH_SAYING = 2.0


@dataclass(frozen=True, slots=True)
class Progress:
    """`fraction` from 0 to 1; `remaining` in seconds, None where nothing is known.

    `late` says that a step goes on for longer than usual: more may remain than that.
    """

    fraction: float
    remaining: float | None
    late: bool = False


def is_longer(seconds: float, usual: float) -> bool:
    """Whether a step took notably longer than it usually does."""
    return seconds > usual * _LONGER and seconds - usual >= _WORTH_SAYING


def estimate(
    steps: Iterable[Step], expected: Mapping[str, float], now: datetime
) -> Progress:
    """Estimate the progress of a run from its steps and their usual seconds.

    A step counts with its usual duration; one without counts as the mean of the
    others (or as 1, so that without any history the steps themselves are counted). A
    step that takes longer than usual stays just short of its share.
    """
    steps = list(steps)
    if not steps:
        return Progress(0.0, None)
    known = [expected[s.name] for s in steps if s.name in expected]
    usual = sum(known) / len(known) if known else 1.0
    total = done = 0.0
    late = False
    for step in steps:
        # A floor keeps steps of a few milliseconds from counting as nothing at all.
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
