"""Launch what webhooks have received, and send the status of commits."""

import asyncio
import threading
from collections.abc import Callable

from app.errors import BadSetting, Unavailable
from app.log import get
from app.usecases import commit_statuses, webhook_launches
from app.usecases.webhook_launches import Launcher

log = get("worker")

#: Seconds between searches for deliveries and statuses.
LOOK_EVERY = 1.0


class Webhooks:
    """Handles deliveries, and sends statuses; the workers of all nodes do this."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        # Not the worker's event: that one also interrupts runs during an outage.
        self._stop = threading.Event()

    async def launch(self) -> None:
        """Handle deliveries until canceled."""
        await self._repeat(
            lambda: webhook_launches.launch_due(self._launcher, self._stop.is_set)
        )

    async def send_statuses(self) -> None:
        """Send the status of commits until canceled; a slow provider delays no push."""
        of = self._launcher
        await self._repeat(
            lambda: commit_statuses.send_due(
                of.store, of.secret_box, of.settings, self._stop.is_set
            )
        )

    async def _repeat(self, act: Callable[[], int]) -> None:
        try:
            while True:
                try:
                    await asyncio.to_thread(act)
                except (Unavailable, BadSetting) as error:
                    log.warning("webhooks.interrupted", error=str(error))
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self._stop.set()
