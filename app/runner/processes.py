"""Processes and their descendants, read from /proc."""

import os
import signal
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: The signals that this program handles, or that Python ignores.
_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE,
            signal.SIGXFSZ)  # fmt: skip


@dataclass(frozen=True)
class Process:
    """One process; the start time distinguishes processes with the same id."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie doesn't."""
        found = find(self.pid)
        return found is not None and found.process == self and not found.ended

    @property
    def age(self) -> float:
        """Seconds since its start, by the boot clock."""
        return max(boot_clock() - self.started / os.sysconf("SC_CLK_TCK"), 0.0)

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal; return False if it has ended or belongs to another user."""
        if self.alive:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)
                return True
        return False


@dataclass(frozen=True)
class ProcessSnapshot:
    """A process at one moment: its parent, its session, its state letter."""

    process: Process
    parent: int
    session: int
    state: str

    @property
    def ended(self) -> bool:
        """Whether it is a zombie, which waits for its parent to read its status."""
        return self.state == "Z"

    @property
    def stopped(self) -> bool:
        """Whether it was stopped, for example by SIGSTOP."""
        return self.state == "T"


def fork() -> int:
    """Fork; return the child's id, or 0 in the child.

    The child has the default handlers of signals, and ansible-playbook inherits them:
    until they are reset, a signal to the child would wake the watchdog of the parent.
    Call it before any thread is started: the child would inherit a thread's locks, but
    not the thread.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    pid = os.fork()
    if not pid:
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def boot_clock() -> float:
    """Return the seconds since this host was started; this clock can't be set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def all_processes() -> list[ProcessSnapshot]:
    """Return every process of this machine that this user can see."""
    entries = (entry.name for entry in Path("/proc").iterdir())
    seen = (find(int(name)) for name in entries if name.isdigit())
    return [found for found in seen if found is not None]


def child(pid: int) -> Process:
    """Return our own child with this id, before anything has waited for it."""
    if not (found := find(pid)):
        raise ProcessLookupError(pid)
    return found.process


def descendants(pid: int) -> list[Process]:
    """Return the children of a process, their children, and so on."""
    by_parent: defaultdict[int, list[Process]] = defaultdict(list)
    for seen in all_processes():
        by_parent[seen.parent].append(seen.process)
    found = list(by_parent[pid])
    for process in found:  # the list grows during the loop
        found.extend(by_parent[process.pid])
    return found


def find(pid: int) -> ProcessSnapshot | None:
    """Read the state of a process; None if there is none with this id."""
    try:
        content = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The second field is the program's name, which may contain spaces and parentheses.
    fields = content.rpartition(b")")[2].split()
    process = Process(pid, int(fields[19]))
    return ProcessSnapshot(process, int(fields[1]), int(fields[3]), fields[0].decode())
