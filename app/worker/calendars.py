"""Read the calendars of freezes, in the workers of all nodes."""

import asyncio
import threading

from app.errors import Unavailable
from app.log import get
from app.settings import Settings
from app.store.store import Store
from app.supervise import keep
from app.usecases import calendars

log = get("worker")

#: Seconds between searches for calendars that are due.
LOOK_EVERY = 2.0


class Calendars:
    """Reads one calendar at a time in a thread of its own: nothing else waits for it.

    The worker doesn't wait for it either when it stops.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._allowed = settings.outgoing_allowed

    async def run(self) -> None:
        """Read calendars until canceled."""
        stopping = threading.Event()

        def look() -> None:
            if not self._read():
                stopping.wait(LOOK_EVERY)

        threading.Thread(
            target=keep, args=("calendars", look, stopping), daemon=True
        ).start()
        try:
            await asyncio.Event().wait()
        finally:
            stopping.set()

    def _read(self) -> bool:
        try:
            return calendars.read_due(self._store, self._allowed)
        except Unavailable as error:
            log.warning("calendars.interrupted", error=str(error))
            return False
