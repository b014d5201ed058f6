"""Save CPU time of Ansible's workers, and of the process that waits for them.

Ansible starts a worker, a fork, for each task on each host. Until a worker has ended or
sent a result, the main process asks a thousand times a second whether one has. A worker
splits the same arguments of ssh some fifty times, and its garbage collector writes into
the memory that it shares with the main process, so that the kernel copies it.

Tasks run as before, in the same order. `ansible_playbook.py` loads this file, so it
imports only the standard library and Ansible.
"""

from __future__ import annotations

import functools
import gc
import os
import select
import time
from collections import deque
from contextlib import suppress
from typing import Any

#: Seconds after which the main process looks again, though nothing has happened.
_LONGEST_WAIT = 0.05


def install() -> None:
    """Change the Ansible of this process.

    Raises:
        ImportError: This ansible-core has another structure.
        AttributeError: The same.
    """
    # Each is useful without the others.
    _freeze_shared_memory()
    _split_once()
    _wait_for_workers()


def _freeze_shared_memory() -> None:
    """Hide what a worker shares with the main process from its garbage collector."""
    from ansible.executor.process.worker import WorkerProcess

    work = WorkerProcess.run

    @functools.wraps(work)
    def run(self: Any) -> None:
        gc.freeze()
        work(self)

    WorkerProcess.run = run


def _split_once() -> None:
    """Let a worker keep the words of ssh's arguments."""
    from ansible.plugins.connection import ConnectionBase

    split = functools.lru_cache(maxsize=64)(ConnectionBase._split_ssh_args)

    # Callers may change the list.
    ConnectionBase._split_ssh_args = staticmethod(lambda text: [*split(text)])


def _wait_for_workers() -> None:
    """Let the main process sleep until a worker has ended or sent a result."""
    from ansible.plugins import strategy

    base = strategy.StrategyBase
    for method in (base._wait_on_pending_results, base._queue_task):
        if not {"time", "sleep"} <= {*method.__code__.co_names}:
            raise AttributeError("another ansible-core waits in another way")
    results = _Results()
    waiting = _Waiting(results)
    prepare = base.__init__

    @functools.wraps(prepare)
    def __init__(self: Any, *args: Any, **arguments: Any) -> None:  # noqa: N807
        prepare(self, *args, **arguments)
        # One strategy runs at a time, and no worker has been started for this one.
        if type(self._results) is deque and not self._results:
            results.clear()
            self._results, waiting.workers = results, self._workers

    base.__init__ = __init__
    strategy.time = waiting


class _Results(deque[Any]):
    """The results that a thread gets from workers; a byte in a pipe reports each."""

    def __init__(self) -> None:
        super().__init__()
        self.reader, self._writer = os.pipe()
        for descriptor in (self.reader, self._writer):
            os.set_blocking(descriptor, False)

    def append(self, result: Any) -> None:
        """Append a result, and wake the main process."""
        super().append(result)
        # If the pipe is full, the main process wakes anyway.
        with suppress(BlockingIOError):
            os.write(self._writer, b"\0")

    def forget_reports(self) -> None:
        """Empty the pipe."""
        with suppress(BlockingIOError):
            os.read(self.reader, 1 << 16)


class _Waiting:
    """The module `time` of strategies, whose `sleep` ends when there is work to do."""

    def __init__(self, results: _Results) -> None:
        self._results = results
        #: Those of the strategy; None for one that wasn't started yet. Ansible changes
        #: this list.
        self.workers: list[Any] = []
        self._running: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        """Sleep at least for these seconds if no worker has ended or sent a result."""
        running = self._find_running()
        ended, self._running = self._running - {*running}, {*running}
        if not running:
            time.sleep(seconds)
        elif not ended:
            poll = select.poll()
            for descriptor in (self._results.reader, *running.values()):
                poll.register(descriptor, select.POLLIN)
            poll.poll(1000 * max(seconds, _LONGEST_WAIT))
        self._results.forget_reports()

    def _find_running(self) -> dict[int, int]:
        """Return a descriptor that reports the end of each running worker, by pid."""
        started = (worker for worker in self.workers if worker is not None)
        return {each.pid: each.sentinel for each in started if each.is_alive()}
