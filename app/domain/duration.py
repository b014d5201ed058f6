"""Durations between recorded times."""

from datetime import datetime


def seconds_between(begin: datetime, end: datetime) -> float:
    """Return the seconds from `begin` to `end`; 0 if `end` is the earlier one.

    That happens where a clock was moved, or the clocks of two hosts differ.
    """
    return max((end - begin).total_seconds(), 0.0)
