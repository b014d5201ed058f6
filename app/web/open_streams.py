"""Limit the streams and downloads that an actor has open in all web processes.

PostgreSQL has a row for each of them, without a transaction that stays open: this
process extends its rows every RENEW seconds. If it is killed, they expire.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio
from starlette.concurrency import run_in_threadpool

from app.batches import Batches
from app.domain.access import Actor
from app.errors import TooManyRequests, Unavailable
from app.log import get
from app.store.store import Store
from app.usecases import open_streams

log = get("web")

#: Seconds between two reports of the open responses; several are in one LEASE.
RENEW = 8.0


class OpenStreams:
    """Counts the responses of each actor that take long; `renew` must run beside.

    When a deployment starts, hundreds may begin at once, and end with it: those that
    wait are added or removed together.
    """

    def __init__(self, store: Store, limit: int) -> None:
        self._store = store
        self._limit = limit
        self._adding = Batches(partial(open_streams.add, store, limit))
        self._removing = Batches(partial(open_streams.remove, store))
        #: The owners of the responses that are open in this process, by their ids.
        self._owners: dict[str, str] = {}

    @asynccontextmanager
    async def hold(self, actor: Actor) -> AsyncIterator[None]:
        """Count a response during the block. Raises TooManyRequests, and Unavailable.

        If it is canceled while it is added, its row expires.
        """
        owner = actor.key_owner
        key = await self._adding.run(owner)
        if key is None:
            raise TooManyRequests(
                f"too many open streams and downloads: {self._limit} are allowed; "
                "close others first",
                retry_after=5,
            )
        self._owners[key] = owner
        try:
            yield
        finally:
            del self._owners[key]
            with anyio.CancelScope(shield=True):
                await self._remove(key)

    async def renew(self) -> None:
        """Keep the rows of the open responses, until canceled."""
        while True:
            await anyio.sleep(RENEW)
            if not self._owners:
                continue
            try:
                await run_in_threadpool(
                    open_streams.extend, self._store, dict(self._owners)
                )
            except Unavailable as error:
                log.warning("streams.not_counted", error=str(error))

    async def _remove(self, key: str) -> None:
        try:
            await self._removing.run(key)
        except Unavailable as error:
            # The row expires by itself.
            log.warning("streams.not_counted", error=str(error))
