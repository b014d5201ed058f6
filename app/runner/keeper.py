"""The keeper: a process that cleans up after a run, even if the runner was killed.

It waits until the runner closes a pipe, which the kernel does if the runner is killed.
"""

import os
import shutil
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from . import control_sockets
from .processes import Process

#: The signals that stop a run are for the runner; the keeper ends when that has ended.
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
#: Seconds for the remaining processes to end by SIGTERM, before SIGKILL.
_PATIENCE = 3.0
_TICK = 0.005


class Keeper:
    """The process that removes a run's private folder and ends what uses it.

    Start it before any thread: it is a copy of this process.
    """

    def __init__(self, private: Path) -> None:
        reader, self._pipe = os.pipe()
        # Until the child ignores them, a signal would wake the watchdog of its parent.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
        self._pid = os.fork()
        if not self._pid:
            for number in _IGNORED:
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            _keep(private, reader)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(reader)

    def watch(self, process: Process) -> None:
        """End this process too if it still runs when the runner has ended."""
        # Without a keeper, which somebody has killed, `finish` still ends the agent.
        with suppress(OSError):
            os.write(self._pipe, f"{process.pid} {process.started}\n".encode())

    def finish(self) -> None:
        """Let it clean up, and wait for it."""
        os.close(self._pipe)
        os.waitpid(self._pid, 0)


def _keep(private: Path, reader: int) -> NoReturn:
    try:
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.closerange(3, reader)
        os.closerange(reader + 1, os.sysconf("SC_OPEN_MAX"))
        with os.fdopen(reader) as pipe:
            _clean(private, [Process(*map(int, line.split())) for line in pipe])
    finally:
        os._exit(0)


def _clean(private: Path, watched: Iterable[Process]) -> None:
    for number, patience in ((signal.SIGTERM, _PATIENCE), (signal.SIGKILL, _PATIENCE)):
        left = [process for process in watched if process.send(number)]
        deadline = time.monotonic() + patience
        while any(process.alive for process in left) and time.monotonic() < deadline:
            time.sleep(_TICK)
    control_sockets.end_all(private / "cp")
    shutil.rmtree(private, ignore_errors=True)
