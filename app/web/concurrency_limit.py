"""Limit the number of expensive requests at once; the others wait for a place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from app.errors import Busy

#: Seconds that a request waits for a place, unless it says otherwise.
PATIENCE = 15


@asynccontextmanager
async def place(
    places: anyio.Semaphore, doing: str, patience: float = PATIENCE
) -> AsyncIterator[None]:
    """Hold a place during the block. Raises Busy if none gets free in time.

    A request that waits takes no thread and no connection. `doing` is a verb for the
    error message, and `patience` the maximum number of seconds to wait.
    """
    try:
        with anyio.fail_after(patience):
            await places.acquire()
    except TimeoutError:
        raise Busy(
            f"too many people {doing} at this moment; try again in a few seconds"
        ) from None
    try:
        yield
    finally:
        places.release()
