"""Count requests, and refuse those that exceed a limit."""

import math
from datetime import timedelta

from app.domain.rate_limit import WINDOW, Allowance, seconds_of_one
from app.errors import TooManyRequests
from app.store import rate_limits
from app.store.store import Store


def take(store: Store, subject: str, per_minute: int) -> Allowance | None:
    """Count a request of a subject; return what is left, None without a limit.

    Args:
        store: The store.
        subject: What is counted and whose it is, such as `api token:7`.
        per_minute: The limit; 0 for none.

    Raises:
        TooManyRequests: The limit is exceeded; the request wasn't counted.
        Unavailable: PostgreSQL is unavailable. The request is refused: without it,
            nobody can be authenticated anyway.
    """
    if not per_minute:
        return None
    one = seconds_of_one(per_minute)
    with store.unlimited.begin() as db:
        used = rate_limits.take(
            db, subject, timedelta(seconds=one), timedelta(seconds=WINDOW)
        )
    if used is None:
        raise TooManyRequests(
            f"too many requests: {per_minute} per minute are allowed; wait and try "
            "again",
            retry_after=max(math.ceil(one), 1),
            headers=Allowance(per_minute, WINDOW).headers,
        )
    return Allowance(per_minute, used)


def prune(store: Store) -> None:
    """Delete what isn't needed any more."""
    with store.begin() as db:
        rate_limits.prune(db)
