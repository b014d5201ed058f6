"""Killing web, worker and PostgreSQL at random moments."""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

from app.dev_server import EmbeddedPostgres
from app.runner import processes
from bench.site import Site
from tools.chaos.clock import OFFSETS, Clock
from tools.chaos.copied import is_refused, original_works

#: Seconds between two hits: at least, and at most.
_BETWEEN = (0.5, 7.5)
#: Seconds until another part is tried, when one isn't there at this moment.
_TRY_AGAIN = 0.1
#: A worker that is told to stop leaves its runs to the next one; that is no kill.
STOPPED = "worker_stopped"
#: The clock of web and worker is moved; a second worker has a copy of `var/`.
MOVED, COPIED = "clock_moved", "folder_copied"
#: What is hit, and how often beside the others.
_TARGETS = {"web": 8, "worker": 6, STOPPED: 2, "postgresql": 4, MOVED: 3, COPIED: 1}


class Killer:
    """Hits one part at a time; what keeps the parts alive starts it again."""

    def __init__(
        self,
        here: Site,
        postgres: EmbeddedPostgres,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self.hits: Counter[str] = Counter()
        #: Workers with a copy of the folder that were not refused.
        self.copies_that_worked = 0
        self._settings = here.settings
        self._clock = clock
        self._processes = here.processes
        self._postgres = postgres
        self._chance = chance

    @property
    def kills(self) -> int:
        """How many of the hits were SIGKILLs."""
        return sum(self.hits[target] for target in ("web", "worker", "postgresql"))

    def work(self, seconds: float) -> None:
        """Kill for so long."""
        ends_at = time.monotonic() + seconds
        wait = self._chance.uniform(*_BETWEEN)
        while time.monotonic() + wait < ends_at:
            time.sleep(wait)
            target = self._chance.choices(
                list(_TARGETS), weights=list(_TARGETS.values())
            )[0]
            if self._hit(target):
                self.hits[target] += 1
                wait = self._chance.uniform(*_BETWEEN)
            else:
                wait = _TRY_AGAIN

    def _hit(self, target: str) -> bool:
        """Hit a part; False if it isn't there at this moment."""
        if target == "postgresql":
            return self._hit_postgres()
        if target == MOVED:
            self._clock.move(self._chance.choice(OFFSETS))
            return True
        if target == COPIED and not self._worker_works():
            return False
        if target == COPIED:
            # Nothing else is hit meanwhile: a copy may replace a worker that is away.
            self.copies_that_worked += not is_refused(self._settings)
            return True
        if target == STOPPED:
            return self._processes["worker"].send(signal.SIGTERM)
        return self._processes[target].send(signal.SIGKILL)

    def _worker_works(self) -> bool:
        # SIGCONT does nothing but tell whether it is there.
        there = self._processes["worker"].send(signal.SIGCONT)
        return there and original_works(self._settings)

    def _hit_postgres(self) -> bool:
        """Kill the server, and as often as not what it has started with it.

        Without it they notice and leave by themselves, and for so long no other can
        be started on the same data.
        """
        pid = self._postgres.pid
        if pid is None:
            return False
        below = processes.descendants(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if self._chance.random() < 0.5:
            for process in below:
                process.send(signal.SIGKILL)
        return True
