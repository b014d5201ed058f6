"""The watchdog: stops a run that is canceled or exceeds its timeout."""

import os
import select
import signal
import threading
import time
from collections.abc import Iterable
from enum import StrEnum

from .processes import Process, boot_clock, descendants

#: The signals for ansible-playbook, and the seconds to wait after each. SIGINT lets it
#: clean up: its workers lead their own sessions, so only it can stop them. In total,
#: they take less time than the worker waits before it kills the runner, so that the
#: private folder is removed.
_STEPS = ((signal.SIGINT, 6.0), (signal.SIGTERM, 4.0), (signal.SIGKILL, 3.0))
_TICK = 0.05
#: The signals that cancel the run.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Reason(StrEnum):
    """Why a run was stopped, as a status of ansible-runner."""

    #: This program received a signal.
    CANCELED = "canceled"
    #: The run exceeded the service's timeout.
    TIMEOUT = "timeout"


class Watchdog:
    """Watches ansible-playbook in a separate thread.

    `listen` installs the signal handlers; call it in the main thread. A signal that
    arrives before `start` takes effect when the thread has started. Several children
    can be watched one after the other; the timeout is for all of them together.
    """

    def __init__(self, timeout: float | None) -> None:
        self.reason: Reason | None = None
        self._timeout = timeout
        self._deadline: float | None = None
        # A signal handler can always write to a pipe, but a lock could deadlock it.
        self._wake, self._ring = os.pipe()
        self._ended = threading.Event()

    def listen(self) -> None:
        """Install the handlers of the signals that cancel the run."""
        for number in _SIGNALS:
            signal.signal(number, lambda *_: self._write(b"c"))

    def start(self, child: Process) -> None:
        """Start to watch this child process."""
        if self._timeout is not None and self._deadline is None:
            self._deadline = boot_clock() + self._timeout
        self._ended.clear()
        self._thread = threading.Thread(
            target=self._run, args=(child,), name="watchdog", daemon=True
        )
        self._thread.start()

    def finish(self) -> None:
        """Stop the thread after the child has ended.

        If the run was stopped, wait until its descendants have ended too.
        """
        self._ended.set()
        self._write(b"e")
        self._thread.join()

    def _write(self, byte: bytes) -> None:
        os.write(self._ring, byte)

    def _run(self, child: Process) -> None:
        left = None if self._deadline is None else max(self._deadline - boot_clock(), 0)
        ready, _, _ = select.select([self._wake], [], [], left)
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
    """Stop the processes that ansible-playbook left running: SIGTERM, then SIGKILL."""
    for number, patience in _STEPS[1:]:
        for process in left:
            process.send(number)
        deadline = time.monotonic() + patience
        while any(process.alive for process in left) and time.monotonic() < deadline:
            time.sleep(_TICK)
