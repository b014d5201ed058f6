"""Cancel the deployments that nobody approved in time."""

import asyncio

from app.errors import Unavailable
from app.log import get
from app.queue import Queue
from app.store.store import Store
from app.usecases import approvals

log = get("worker")

#: Seconds between searches for such deployments.
LOOK_EVERY = 10.0


class Approvals:
    """Ends the time for approvals; the workers of all nodes do this, each once."""

    def __init__(self, store: Store, queue: Queue) -> None:
        self._store = store
        self._queue = queue

    async def run(self) -> None:
        """Cancel deployments until canceled."""
        while True:
            try:
                count = await asyncio.to_thread(
                    approvals.expire, self._store, self._queue
                )
                if count:
                    log.info("approvals.expired", deployments=count)
            except Unavailable as error:
                log.warning("approvals.interrupted", error=str(error))
            await asyncio.sleep(LOOK_EVERY)
