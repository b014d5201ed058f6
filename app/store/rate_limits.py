"""Rate limits in PostgreSQL, which all processes share.

The generic cell rate algorithm (GCRA): a row has the time until which the requests of a
subject have used up the window. The table isn't logged, so counting waits for no disk;
after a crash of PostgreSQL it is empty.
"""

from datetime import timedelta

from sqlalchemy import Connection, DateTime, delete, func, literal
from sqlalchemy.dialects.postgresql import insert

from app.store.rate_limit_tables import rate_limits

_c = rate_limits.c


def take(
    db: Connection, subject: str, one: timedelta, window: timedelta
) -> float | None:
    """Count a request of a subject; return the used seconds of the window.

    Each request uses `one`. Returns None, and doesn't count the request, if the window
    has no room for it.
    """
    now = func.clock_timestamp(type_=DateTime(timezone=True))
    until = func.greatest(_c.used_until, now) + one
    left = func.extract("epoch", _c.used_until - now)
    seconds: float | None = db.execute(
        insert(rate_limits)
        .values(subject=subject, used_until=now + literal(one))
        .on_conflict_do_update(
            index_elements=[_c.subject],
            set_={"used_until": until},
            where=until <= now + window,
        )
        .returning(left)
    ).scalar_one_or_none()
    return None if seconds is None else float(seconds)


def prune(db: Connection) -> None:
    """Delete the subjects that have used nothing any more."""
    db.execute(delete(rate_limits).where(_c.used_until < func.now()))
