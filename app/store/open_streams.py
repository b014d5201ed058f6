"""The open streams and downloads of users and tokens, in all web processes.

A row counts until its `held_until`, so the rows of a process that was killed stop
counting without anybody's help. The table isn't logged.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from app.store import locks
from app.store.among import among
from app.store.open_stream_tables import open_streams

_c = open_streams.c


def add(
    db: Connection, keys: Sequence[str], owner: str, limit: int, lease: timedelta
) -> list[str]:
    """Add responses of an owner until it has `limit`; return those that were added.

    Responses of the same owner are added one after the other.
    """
    locks.lock_resource(db, f"open streams of {owner}")
    counted = select(func.count()).where(
        _c.owner == owner, _c.held_until > func.clock_timestamp()
    )
    added = list(keys[: max(limit - db.execute(counted).scalar_one(), 0)])
    if added:
        extend(db, dict.fromkeys(added, owner), lease)
    return added


def extend(db: Connection, owners: Mapping[str, str], lease: timedelta) -> None:
    """Let responses count for another `lease`; insert the rows that are missing.

    Args:
        db: The transaction.
        owners: The owner of each response, by its id.
        lease: How long they count from now on.
    """
    adding = insert(open_streams).values(
        held_until=func.clock_timestamp() + literal(lease)
    )
    update = adding.on_conflict_do_update(
        index_elements=[_c.id], set_={"held_until": adding.excluded.held_until}
    )
    rows = [{"id": key, "owner": owner} for key, owner in sorted(owners.items())]
    db.execute(update, rows)


def remove(db: Connection, keys: Sequence[str]) -> None:
    """Remove responses that have ended."""
    db.execute(delete(open_streams).where(among(_c.id)), {"ids": list(keys)})


def prune(db: Connection) -> None:
    """Delete the rows that processes have left behind."""
    db.execute(delete(open_streams).where(_c.held_until < func.now()))
