"""Kill web, worker and PostgreSQL at random moments."""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

from app.dev_server import EmbeddedPostgres
from app.runner import processes
from testing.supervised import SupervisedInstallation
from tools.chaos.clock import OFFSETS, Clock
from tools.chaos.copied import is_refused, original_works

#: The minimum and maximum number of seconds between two hits.
_BETWEEN = (0.5, 6.0)
#: Seconds before another target is tried if one isn't running.
_TRY_AGAIN = 0.1
#: SIGTERM for the worker, which leaves its runs to the next one; not counted as a kill.
STOPPED = "worker_stopped"
#: The clock of web and worker is changed; a second worker starts with a copy of `var/`.
MOVED, COPIED = "clock_moved", "folder_copied"
#: The weights of the targets.
_TARGETS = {"web": 8, "worker": 6, STOPPED: 2, "postgresql": 4, MOVED: 3, COPIED: 1}


class Killer:
    """Hits one target at a time; the dev server restarts it."""

    def __init__(
        self,
        here: SupervisedInstallation,
        postgres: EmbeddedPostgres,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self.hits: Counter[str] = Counter()
        #: The number of workers with a copy of the folder that were not refused.
        self.copies_that_worked = 0
        self._settings = here.settings
        self._clock = clock
        self._processes = here.processes
        self._postgres = postgres
        self._chance = chance

    @property
    def kills(self) -> int:
        """The number of hits with SIGKILL."""
        return sum(self.hits[target] for target in ("web", "worker", "postgresql"))

    def work(self, seconds: float) -> None:
        """Hit random targets for a number of seconds."""
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
        """Hit a target; return False if it isn't running at this moment."""
        if target == "postgresql":
            return self._hit_postgres()
        if target == MOVED:
            self._clock.move(self._chance.choice(OFFSETS))
            return True
        if target == COPIED and not self._worker_works():
            return False
        if target == COPIED:
            # Hit nothing else meanwhile: a copy may replace a worker that is away.
            self.copies_that_worked += not is_refused(self._settings)
            return True
        if target == STOPPED:
            return self._processes["worker"].send(signal.SIGTERM)
        return self._processes[target].send(signal.SIGKILL)

    def _worker_works(self) -> bool:
        # SIGCONT has no effect on a running process; it only checks that there is one.
        there = self._processes["worker"].send(signal.SIGCONT)
        return there and original_works(self._settings)

    def _hit_postgres(self) -> bool:
        """Kill the server, and in half of the cases its child processes too.

        If only the server is killed, its children notice that and exit by themselves;
        until then, no other server can start on the same data.
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
