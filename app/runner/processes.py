"""Processes: who descends from whom, read from /proc."""

import os
import signal
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process; its start time tells it from a later one with the same id."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether it still runs. One that only waits to be collected does not."""
        found = find(self.pid)
        return found is not None and found.process == self and not found.ended

    @property
    def age(self) -> float:
        """Seconds since it was started, by the boot clock."""
        return max(boot_clock() - self.started / os.sysconf("SC_CLK_TCK"), 0.0)

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal, if it is there and ours; tells whether it was."""
        if self.alive:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)
                return True
        return False


@dataclass(frozen=True)
class ProcessSnapshot:
    """A process as it was seen: its parent, its session, its state letter."""

    process: Process
    parent: int
    session: int
    state: str

    @property
    def ended(self) -> bool:
        """Whether it only waits for its parent to take its exit status."""
        return self.state == "Z"

    @property
    def stopped(self) -> bool:
        """Whether it was stopped, as by SIGSTOP."""
        return self.state == "T"


def boot_clock() -> float:
    """Seconds since this host was started; nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def all_processes() -> list[ProcessSnapshot]:
    """Every process of this machine that can be seen."""
    entries = (entry.name for entry in Path("/proc").iterdir())
    seen = (find(int(name)) for name in entries if name.isdigit())
    return [found for found in seen if found is not None]


def child(pid: int) -> Process:
    """Return our own child of this number, which nobody has waited for yet."""
    if not (found := find(pid)):
        raise ProcessLookupError(pid)
    return found.process


def descendants(pid: int) -> list[Process]:
    """Return the processes below this one."""
    by_parent: defaultdict[int, list[Process]] = defaultdict(list)
    for seen in all_processes():
        by_parent[seen.parent].append(seen.process)
    found = list(by_parent[pid])
    for process in found:  # grows while it is walked
        found.extend(by_parent[process.pid])
    return found


def find(pid: int) -> ProcessSnapshot | None:
    """Look at a process; None if there is none of this number."""
    try:
        content = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The second field is the program's name, which may hold spaces and brackets.
    fields = content.rpartition(b")")[2].split()
    process = Process(pid, int(fields[19]))
    return ProcessSnapshot(process, int(fields[1]), int(fields[3]), fields[0].decode())
