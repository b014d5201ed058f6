"""Measure how far the followers of this node's runs are behind their journals."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

from app.settings import Settings
from app.worker.run import run_of


class FollowerLag:
    """Compares the sizes of journals with what is recorded, at each heartbeat."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        #: By deployment: sizes of its journal that weren't recorded yet, and when each
        #: was seen first.
        self._seen: dict[int, deque[tuple[float, int]]] = {}

    def measure(self, offsets: Mapping[int, int]) -> tuple[int, float]:
        """Return the bytes that aren't recorded, and for how many seconds at most.

        `offsets` has the recorded bytes of each active deployment of this node. The
        seconds are of the run that is furthest behind; they are 0 when bytes are seen
        for the first time.
        """
        now = self._clock()
        self._seen = {each: self._seen.get(each, deque()) for each in offsets}
        lag, oldest = 0, now
        for deployment_id, offset in offsets.items():
            size = 0
            with suppress(OSError):
                size = run_of(self._settings, deployment_id).journal.stat().st_size
            seen = self._seen[deployment_id]
            if size > offset and (not seen or seen[-1][1] < size):
                seen.append((now, size))
            while seen and seen[0][1] <= offset:
                seen.popleft()
            if seen:
                lag += size - offset
                oldest = min(oldest, seen[0][0])
        return lag, now - oldest
