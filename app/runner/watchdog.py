"""The watchdog: ends a run that is canceled or takes too long."""

import os
import select
import signal
import threading
import time
from collections.abc import Iterable
from enum import StrEnum

from .processes import Process, descendants

#: What ansible-playbook is told, and how long it then has. SIGINT is what lets it
#: clean up: its workers lead sessions of their own, so only it can end them. All of it
#: takes less than the worker waits before it kills us: the private folder is removed.
_STEPS = ((signal.SIGINT, 6.0), (signal.SIGTERM, 4.0), (signal.SIGKILL, 3.0))
_TICK = 0.05
#: What asks this program to cancel.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Reason(StrEnum):
    """Why a run was ended; ansible-runner's word for its status."""

    #: This program got a signal.
    CANCELED = "canceled"
    #: The run took longer than the service allows.
    TIMEOUT = "timeout"


class Watchdog:
    """Watches over ansible-playbook, in a thread of its own, from `start` on.

    A signal is heard from `listen` on, and acted on as soon as there is something to
    end. Only the main thread may listen: it installs the signal handlers.
    """

    def __init__(self, timeout: float | None) -> None:
        self.reason: Reason | None = None
        self._timeout = timeout
        # A handler may write to a pipe at any moment; a lock it could wait for ever.
        self._wake, self._ring = os.pipe()
        self._ended = threading.Event()

    def listen(self) -> None:
        """Take the signals that ask to cancel."""
        for number in _SIGNALS:
            signal.signal(number, lambda *_: self._write(b"c"))

    def start(self, child: Process) -> None:
        """Begin to watch over this child of ours."""
        self._thread = threading.Thread(
            target=self._run, args=(child,), name="watchdog", daemon=True
        )
        self._thread.start()

    def finish(self) -> None:
        """Stop watching: the child has ended. Return when nothing below it is left."""
        self._ended.set()
        self._write(b"e")
        self._thread.join()

    def _write(self, byte: bytes) -> None:
        os.write(self._ring, byte)

    def _run(self, child: Process) -> None:
        ready, _, _ = select.select([self._wake], [], [], self._timeout)
        if ready and os.read(self._wake, 1) == b"e":
            return
        self.reason = Reason.CANCELED if ready else Reason.TIMEOUT
        self._stop(child)

    def _stop(self, child: Process) -> None:
        below = set(descendants(child.pid))
        for number, patience in _STEPS:
            child.send(number)
            deadline = time.monotonic() + patience
            while child.alive and time.monotonic() < deadline:
                below.update(descendants(child.pid))
                self._ended.wait(_TICK)
            if not child.alive:
                break
        _end(below)


def _end(left: Iterable[Process]) -> None:
    """End what ansible-playbook left running: SIGTERM, then SIGKILL."""
    for number, patience in _STEPS[1:]:
        for process in left:
            process.send(number)
        deadline = time.monotonic() + patience
        while any(process.alive for process in left) and time.monotonic() < deadline:
            time.sleep(_TICK)
