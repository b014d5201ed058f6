"""The keeper: a process that cleans up after a run, even if the runner was killed.

It waits until the runner closes a pipe, which the kernel does if the runner is killed.
Both hold a lock in the run's private folder. If both were killed, the keeper of the
next run finds the folder without its lock, and cleans up.
"""

import os
import shutil
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from . import control_sockets, file_lock
from .processes import Process, descendants

#: The signals that stop a run are for the runner; the keeper ends when that has ended.
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
#: Seconds for the remaining processes to end by SIGTERM, before SIGKILL.
_PATIENCE = 3.0
_TICK = 0.005
#: Files in the private folder: the lock, and the processes that end with the run.
_LOCK = "lock"
_WATCHED = "processes"


class Keeper:
    """The process that removes a run's private folder and ends what uses it.

    Start it before any thread: it is a copy of this process.
    """

    def __init__(self, private: Path) -> None:
        self._private = private
        lock = file_lock.take(private / _LOCK, shared=False)
        assert lock is not None, "the folder is new"
        reader, self._pipe = os.pipe()
        # Until the child ignores them, a signal would wake the watchdog of its parent.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
        self._pid = os.fork()
        if not self._pid:
            for number in _IGNORED:
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            _keep(private, reader, lock)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(reader)

    def watch(self, process: Process) -> None:
        """End this process too if it still runs when the runner has ended."""
        with (self._private / _WATCHED).open("a") as file:
            file.write(f"{process.pid} {process.started}\n")

    def finish(self) -> None:
        """Let it clean up, and wait for it."""
        os.close(self._pipe)
        os.waitpid(self._pid, 0)


def _keep(private: Path, reader: int, lock: int) -> NoReturn:
    try:
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        first, second = sorted((reader, lock))
        os.closerange(3, first)
        os.closerange(first + 1, second)
        os.closerange(second + 1, os.sysconf("SC_OPEN_MAX"))
        _clean_up_after_killed_keepers(private)
        while os.read(reader, 1):
            pass
        _clean(private)
    finally:
        os._exit(0)


def _clean_up_after_killed_keepers(private: Path) -> None:
    for folder in private.parent.glob(f"{private.name.rpartition('-')[0]}-*"):
        with suppress(OSError):
            is_own = folder.lstat().st_uid == os.geteuid() and not folder.is_symlink()
            if folder == private or not is_own or not (folder / _LOCK).exists():
                continue
            lock = file_lock.take(folder / _LOCK, shared=False, deadline=0)
            if lock is not None:
                _clean(folder)
                os.close(lock)


def _clean(private: Path) -> None:
    watched = _watched(private)
    below = _below(watched)
    _end(watched, below)
    # ansible-playbook ends its workers, unless it has to be killed itself, or has just
    # started one. They lead their own sessions.
    _end(below, below)
    control_sockets.end_all(private / "cp")
    shutil.rmtree(private, ignore_errors=True)


def _end(some: Iterable[Process], below: set[Process]) -> None:
    """End processes, by SIGTERM if possible; add their descendants to `below`."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = [process for process in set(some) if process.send(number)]
        deadline = time.monotonic() + _PATIENCE
        while any(process.alive for process in left) and time.monotonic() < deadline:
            below |= _below(left)
            time.sleep(_TICK)


def _below(processes: Iterable[Process]) -> set[Process]:
    """Return the descendants of the processes that still run."""
    return {
        found
        for process in processes
        if process.alive
        for found in descendants(process.pid)
    }


def _watched(private: Path) -> list[Process]:
    with suppress(FileNotFoundError):
        lines = (private / _WATCHED).read_text().splitlines()
        return [Process(*map(int, line.split())) for line in lines]
    return []
