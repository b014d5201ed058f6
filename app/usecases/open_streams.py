"""Limit the streams and downloads that a user or token has open at a time."""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from app.store import open_streams
from app.store.store import Store

#: How long a response counts after its web process has reported it.
LEASE = timedelta(seconds=30)


def add(store: Store, limit: int, owners: Sequence[str]) -> list[str | None]:
    """Count a response of each of the owners, in all web processes.

    Return the id of each response, or None if its owner has `limit` responses open.
    Raises Unavailable.
    """
    keys = {owner: _add(store, limit, owner, n) for owner, n in Counter(owners).items()}
    return [keys[owner].pop() if keys[owner] else None for owner in owners]


def _add(store: Store, limit: int, owner: str, number: int) -> list[str]:
    """Count up to `number` responses of an owner; return their ids."""
    keys = [secrets.token_hex(8) for _ in range(number)]
    with store.unlimited.begin() as db:
        return open_streams.add(db, keys, owner, limit, LEASE)


def extend(store: Store, owners: Mapping[str, str]) -> None:
    """Let the responses of a process count for another LEASE; `owners` is by id.

    Raises Unavailable.
    """
    with store.begin() as db:
        open_streams.extend(db, owners, LEASE)


def remove(store: Store, keys: Sequence[str]) -> list[None]:
    """Count responses no more. Raises Unavailable."""
    with store.unlimited.begin() as db:
        open_streams.remove(db, keys)
    return [None] * len(keys)


def prune(store: Store) -> None:
    """Delete what isn't needed any more."""
    with store.begin() as db:
        open_streams.prune(db)
