"""Measure how late the event loop of this process is."""

import asyncio
import time
from collections import deque

#: Seconds between two measurements, and their number that is kept.
EVERY, KEPT = 1.0, 60


class LoopLag:
    """The recent delays of the event loop; `watch` must run as a background task."""

    def __init__(self) -> None:
        self._delays: deque[float] = deque([0.0], maxlen=KEPT)
        self._due: float | None = None

    @property
    def largest(self) -> float:
        """The largest delay of the last minute in seconds; another thread may ask."""
        # A loop that is blocked at the moment hasn't measured that yet.
        present = 0.0 if self._due is None else time.monotonic() - self._due
        return max(present, *tuple(self._delays), 0.0)

    async def watch(self) -> None:
        """Measure until canceled."""
        while True:
            self._due = time.monotonic() + EVERY
            await asyncio.sleep(EVERY)
            self._delays.append(time.monotonic() - self._due)
