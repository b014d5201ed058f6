"""Durations between recorded times."""

from datetime import datetime


def seconds_between(begin: datetime, end: datetime) -> float:
    """Return the seconds from `begin` to `end`; 0 if `end` is earlier.

    `end` is earlier if a clock was set back, or if the clocks of two hosts differ.
    """
    return max((end - begin).total_seconds(), 0.0)
