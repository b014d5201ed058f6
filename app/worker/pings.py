"""Send the pings of schedules, in the workers of all nodes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from app.encryption import SecretBox
from app.errors import Unavailable
from app.log import get
from app.settings import Settings
from app.store.pings import Ping
from app.store.store import Store
from app.usecases import pings

log = get("worker")

#: Seconds between searches for pings that are due.
LOOK_EVERY = 1.0
#: The number of pings that are sent at a time. One that isn't answered delays others
#: only if there are as many of them.
AT_ONCE = 4


class Pings:
    """Sends the pings of schedules in threads of its own, so that no run waits."""

    def __init__(self, store: Store, secret_box: SecretBox, settings: Settings) -> None:
        self._store = store
        self._secret_box = secret_box
        self._allowed = settings.outgoing_allowed

    async def run(self) -> None:
        """Send pings until canceled."""
        threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ping")
        active: set[asyncio.Future[None]] = set()
        loop = asyncio.get_running_loop()
        try:
            while True:
                for ping in await asyncio.to_thread(self._take, AT_ONCE - len(active)):
                    active.add(loop.run_in_executor(threads, self._send, ping))
                if len(active) < AT_ONCE:
                    await asyncio.sleep(LOOK_EVERY)
                else:
                    await asyncio.wait(active, return_when=asyncio.FIRST_COMPLETED)
                active = {each for each in active if not each.done()}
        finally:
            # What is left is sent by the next worker.
            threads.shutdown(wait=False, cancel_futures=True)

    def _take(self, limit: int) -> list[Ping]:
        try:
            return pings.take_due(self._store, limit)
        except Unavailable as error:
            log.warning("pings.interrupted", error=str(error))
            return []

    def _send(self, ping: Ping) -> None:
        try:
            pings.send(self._store, self._secret_box, self._allowed, ping)
        except Unavailable as error:
            # It is sent again after the time for which it was taken.
            log.warning("pings.interrupted", error=str(error))
