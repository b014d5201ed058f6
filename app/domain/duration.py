"""Durations between recorded times, and the largest number of days."""

from datetime import datetime

#: Maximum for a number of days: a hundred years, in the range of Python's dates.
MAX_DAYS = 36_500


def seconds_between(begin: datetime, end: datetime) -> float:
    """Return the seconds from `begin` to `end`; 0 if `end` is earlier.

    `end` is earlier if a clock was set back, or if the clocks of two hosts differ.
    """
    return max((end - begin).total_seconds(), 0.0)
