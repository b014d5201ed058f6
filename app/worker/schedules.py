"""Launch what the schedules of all services have planned."""

import asyncio
import threading

from app.encryption import SecretBox
from app.errors import BadSetting, Unavailable
from app.log import get
from app.project_folder import Reach
from app.queue import Queue
from app.settings import Settings
from app.store.store import Store
from app.usecases.due_schedules import launch_due
from app.usecases.schedule_sources import ScheduleSources

log = get("worker")

#: Seconds between searches for schedules whose instant has come.
LOOK_EVERY = 1.0


class Schedules:
    """Launches schedules; the workers of all nodes do this, each instant once."""

    def __init__(
        self,
        store: Store,
        queue: Queue,
        secret_box: SecretBox,
        settings: Settings,
        reach: Reach,
    ) -> None:
        """`reach` returns with what the repositories of projects are fetched."""
        self._store = store
        self._queue = queue
        self._secret_box = secret_box
        self._settings = settings
        self._sources = ScheduleSources(settings, reach)
        # Not the worker's event: that one also interrupts runs during an outage.
        self._stop = threading.Event()

    async def run(self) -> None:
        """Launch schedules until canceled."""
        try:
            # Those with a ref wait for repositories, and must not delay the others.
            async with asyncio.TaskGroup() as loops:
                loops.create_task(self._repeat(None))
                loops.create_task(self._repeat(self._sources))
        finally:
            self._stop.set()

    async def _repeat(self, sources: ScheduleSources | None) -> None:
        while True:
            try:
                await asyncio.to_thread(self._launch, sources)
            except (Unavailable, BadSetting) as error:
                log.warning("schedules.interrupted", error=str(error))
            await asyncio.sleep(LOOK_EVERY)

    def _launch(self, sources: ScheduleSources | None) -> None:
        launch_due(
            self._store,
            self._queue,
            self._secret_box,
            run_as=self._settings.run_as,
            stopping=self._stop.is_set,
            sources=sources,
        )
