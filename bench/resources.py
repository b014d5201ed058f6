"""CPU time and peak memory of processes, and of those that they start."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from app.runner.processes import all_processes
from bench.memory import pss

_TICKS = 100
_PAGE = 4096


def cpu(pid: int) -> float:
    """Return the CPU seconds of a process and of the children it has waited for.

    It is 0 if there is no such process.
    """
    try:
        content = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0.0
    fields = content.rpartition(b")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def below(pids: Iterable[int]) -> dict[int, list[int]]:
    """Return the descendants of each of these processes."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for seen in all_processes():
        children[seen.parent].append(seen.process.pid)
    found = {}
    for pid in pids:
        found[pid] = list(children[pid])
        for each in found[pid]:  # the list grows during the loop
            found[pid].extend(children[each])
    return found


def shared_memory(pids: Iterable[int]) -> float:
    """Return the MiB of processes together; a shared page counts once (PSS)."""
    total = 0.0
    for pid in pids:
        with suppress(OSError):
            total += pss(pid)
    return total


def resident_memory(pids: Iterable[int]) -> float:
    """Return the sum of the MiB that are resident for each process (RSS)."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            total += int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    return total * _PAGE / (1 << 20)


def masters(folder: Path) -> list[int]:
    """Return the ssh processes that keep connections open (ControlPersist).

    They belong to no other process; the sockets of these are below `folder`.
    """
    found = []
    for seen in all_processes():
        with suppress(OSError):
            command = Path(f"/proc/{seen.process.pid}/cmdline").read_bytes()
            if command.startswith(b"ssh: " + bytes(folder)) and b"[mux]" in command:
                found.append(seen.process.pid)
    return found
