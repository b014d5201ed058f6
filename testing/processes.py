"""Processes of this machine, and processes that a test starts."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from testing.paths import ROOT
from testing.preloaded import start
from testing.waiting import PATIENCE, eventually


def living(belongs: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Return the running processes for which `belongs` returns true.

    It omits zombies, and processes that end while they are inspected.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE and belongs(process):
                found.append(process)
    return found


class Process:
    """A process of FastDeploy, with its log."""

    def __init__(
        self, command: Sequence[str], env: dict[str, str], log: Path, cwd: Path = ROOT
    ) -> None:
        """Start it in a session of its own; `log` receives its output."""
        self._log = log
        with log.open("wb") as file, Path(os.devnull).open() as nothing:
            self._process = start(command, env, (nothing, file, file), cwd)
        self.pid = self._process.pid

    @property
    def log(self) -> str:
        """Everything that it has printed."""
        return self._log.read_text()

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Wait until it has ended, and return the exit code."""
        return self._process.wait(PATIENCE)

    def stop(self) -> int:
        """Terminate it, and return the exit code."""
        self._process.terminate()
        try:
            return self.wait()
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill it, as a crash does."""
        self._process.kill()
        self._process.wait()


def logged_again(process: Process, event: str, times: int) -> None:
    """Wait until a process has logged an event this number of times more."""
    was = process.log.count(event)
    eventually(lambda: process.log.count(event) >= was + times)
