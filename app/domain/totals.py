"""Totals of ended deployments by outcome and duration, as a histogram has them."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from math import inf

#: The upper bounds of durations in seconds. A bound may be added, but not removed:
#: the database has the counts by bound.
BOUNDS = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 10800.0, inf)
#: In place of the bound, for deployments that never started.
NEVER_STARTED = 0.0


@dataclass(frozen=True, slots=True)
class Total:
    """The ended deployments of a service with an outcome and a range of durations."""

    archived: bool
    #: The outcome.
    status: str
    #: The bound of their durations in seconds, or NEVER_STARTED.
    at_most: float
    count: int
    #: Their durations together.
    seconds: float
    #: The seconds since the last end of one that wasn't partial.
    since_last_complete: float | None


def bound_of(seconds: float | None) -> float:
    """Return the bound for a duration, or for a deployment that never started."""
    return NEVER_STARTED if seconds is None else BOUNDS[bisect_left(BOUNDS, seconds)]


def duration(started_at: datetime | None, finished_at: datetime) -> float | None:
    """Return the duration in seconds; None if it never started."""
    if started_at is None:
        return None
    return max((finished_at - started_at).total_seconds(), 0.0)
