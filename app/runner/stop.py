"""Stopping a run: every process that it started, wherever it went.

ansible-core's workers lead sessions of their own, and what a script leaves behind has
no parent any more. So a process belongs to a run if it is in the run's cgroup, where it
has one; if its environment bears the run's mark; if it is in the session of the run's
wrapper, also after the wrapper has ended; or if it descends from one that belongs. The
wrapper itself is spared: it writes the exit code.

`python -m app.runner.stop FOLDER SIGNAL` is what a root-owned helper calls where runs
belong to another user. It refuses a folder that is no run.
"""

import argparse
import hashlib
import signal
import sys
from collections import defaultdict
from pathlib import Path

from .processes import Process, ProcessSnapshot, all_processes, find

#: The variable that marks a run's processes; its value is the run's folder.
MARK = "FASTDEPLOY_RUN"
SIGNALS = {
    number.name.removeprefix("SIG"): number
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
}
#: Instead of a signal: only count the processes.
COUNT = "COUNT"


def cgroup_of(folder: Path) -> str:
    """The name of a run's cgroup; the hash is for several installations on a host."""
    installation = hashlib.sha256(bytes(folder.parent)).hexdigest()[:8]
    return f"fastdeploy-run-{installation}-{folder.name}"


def processes_of(folder: Path) -> set[Process]:
    """The living processes of the run in that folder, but for its wrapper."""
    return {member.process for member in _members(folder)}


def signal_run(folder: Path, number: signal.Signals) -> int:
    """Send a signal to every process of a run; returns how many it reached."""
    reached = 0
    for member in _members(folder):
        reached += member.process.send(number)
        if member.stopped:
            # Until it continues, it acts on no signal but SIGKILL.
            member.process.send(signal.SIGCONT)
    return reached


def wrapper_of(folder: Path) -> ProcessSnapshot | None:
    """Return the wrapper of a run; None if it has ended or may not be looked at.

    Only its own user can tell that the number in `pid` is still the wrapper's.
    """
    pid = _wrapper(folder)
    found = None if pid is None else find(pid)
    if found is None or found.ended or not _bears_mark(found.process, folder):
        return None
    return found


def _members(folder: Path) -> list[ProcessSnapshot]:
    everybody = all_processes()
    by_parent = defaultdict(list)
    for found in everybody:
        by_parent[found.parent].append(found)
    marked = {
        found
        for found in everybody
        if _bears_mark(found.process, folder) or _in_cgroup(found.process, folder)
    }
    # The number of a session isn't used again while a process is in it. So it is the
    # wrapper's session as long as a process with the mark is in it.
    wrapper = _wrapper(folder)
    session = wrapper if any(found.session == wrapper for found in marked) else None
    members = [
        found
        for found in everybody
        if found in marked or (session and found.session == session)
    ]
    known = set(members)
    for member in members:  # grows while it is walked
        children = [c for c in by_parent[member.process.pid] if c not in known]
        members.extend(children)
        known.update(children)
    return [
        member
        for member in members
        if not member.ended and member.process.pid != session
    ]


def _bears_mark(process: Process, folder: Path) -> bool:
    try:
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARK}={folder}".encode() in environment.split(b"\0")


def _in_cgroup(process: Process, folder: Path) -> bool:
    try:
        lines = Path(f"/proc/{process.pid}/cgroup").read_text().splitlines()
    except OSError:
        return False
    return any(cgroup_of(folder) in line.split("/") for line in lines)


def _wrapper(folder: Path) -> int | None:
    try:
        return int((folder / "pid").read_text())
    except (OSError, ValueError):
        return None


def main() -> int:
    """Do what the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="fastdeploy-stop", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("signal", choices=[*SIGNALS, COUNT])
    asked = parser.parse_args()
    if not asked.folder.is_absolute() or _wrapper(asked.folder) is None:
        print(f"{asked.folder} is no run", file=sys.stderr)
        return 2
    if asked.signal == COUNT:
        found = len(processes_of(asked.folder))
    else:
        found = signal_run(asked.folder, SIGNALS[asked.signal])
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
