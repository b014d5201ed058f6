"""Send the traces of ended deployments, in the workers of all nodes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from app.errors import BadSetting, Unavailable
from app.log import get
from app.settings import Settings
from app.store.store import Store
from app.usecases import traces

if TYPE_CHECKING:
    from app.worker.otlp import Collector

log = get("traces")

#: Seconds between searches for traces that are due.
LOOK_EVERY = 2.0


class Traces:
    """Sends traces in a thread of its own, so that no run waits."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Raises BadSetting if the extra `tracing` isn't installed."""
        self._store = store
        self._settings = settings
        self._collector = _collector(settings)

    def add(self, deployment_id: int) -> None:
        """Make the trace of an ended deployment due, if traces are sent.

        A trace is not worth an error: it is logged.
        """
        if self._collector is None:
            return
        try:
            traces.add(self._store, deployment_id)
        except Unavailable as error:
            log.warning("trace.lost", deployment=deployment_id, error=str(error))

    async def run(self) -> None:
        """Send traces until canceled."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="traces")
        try:
            while True:
                if not await loop.run_in_executor(thread, self._send_next):
                    await asyncio.sleep(LOOK_EVERY)
        finally:
            # What is left is sent by the next worker.
            thread.shutdown(wait=False, cancel_futures=True)

    def _send_next(self) -> bool:
        """Send a trace; return whether there was one."""
        if self._collector is None:
            return False
        try:
            sent = traces.send_next(
                self._store, self._settings.base_url, self._collector.send
            )
        except Unavailable as error:
            # It is sent again after the time for which it was taken.
            log.warning("traces.interrupted", error=str(error))
            return False
        if sent and sent[1]:
            log.warning("trace.failed", deployment=sent[0], error=sent[1])
        return sent is not None


def _collector(settings: Settings) -> "Collector | None":
    if not settings.otlp_url:
        return None
    try:
        from app.worker.otlp import Collector  # noqa: PLC0415 - it is an extra
    except ImportError as error:
        raise BadSetting(
            "FASTDEPLOY_OTLP_URL needs the extra tracing: install fastdeploy[tracing] "
            f"({error})"
        ) from None
    return Collector(settings)
