"""Limit the streams and downloads that a user or token has open at a time."""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from app.errors import TooManyRequests
from app.store import open_streams
from app.store.store import Store

#: How long a response counts after its web process has reported it.
LEASE = timedelta(seconds=30)


def add(store: Store, owner: str, limit: int) -> str:
    """Count a response of an owner, in all web processes; return its id.

    Raises:
        TooManyRequests: The owner has `limit` responses open.
        Unavailable: PostgreSQL is unavailable.
    """
    key = secrets.token_hex(8)
    with store.unlimited.begin() as db:
        added = open_streams.add(db, key, owner, limit, LEASE)
    if not added:
        raise TooManyRequests(
            f"too many open streams and downloads: {limit} are allowed; "
            "close others first",
            retry_after=5,
        )
    return key


def extend(store: Store, owners: Mapping[str, str]) -> None:
    """Let the responses of a process count for another LEASE; `owners` is by id.

    Raises Unavailable.
    """
    with store.begin() as db:
        open_streams.extend(db, owners, LEASE)


def remove(store: Store, key: str) -> None:
    """Count a response no more. Raises Unavailable."""
    with store.unlimited.begin() as db:
        open_streams.remove(db, key)


def prune(store: Store) -> None:
    """Delete what isn't needed any more."""
    with store.begin() as db:
        open_streams.prune(db)
