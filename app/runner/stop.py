"""Stop a run: signal every process that belongs to it.

ansible-core's workers lead their own sessions, and a process that outlives its script
has lost its parent. So a process belongs to a run if it is in the run's cgroup (if the
run has one); if its environment contains the run's mark; if it is in the session of the
run's wrapper, even after the wrapper has ended; or if an ancestor belongs to the run.
The wrapper itself is not signaled: it writes the exit code.

A root-owned helper calls `python -m app.runner.stop FOLDER SIGNAL` if runs belong to
another user. It refuses a folder that doesn't belong to a run.
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
#: In place of a signal: only count the processes.
COUNT = "COUNT"


def cgroup_of(folder: Path) -> str:
    """Return the name of a run's cgroup; the hash distinguishes installations."""
    installation = hashlib.sha256(bytes(folder.parent)).hexdigest()[:8]
    return f"fastdeploy-run-{installation}-{folder.name}"


def processes_of(folder: Path) -> set[Process]:
    """Return the running processes of the run in that folder, except its wrapper."""
    return {member.process for member in _members(folder)}


def signal_run(folder: Path, number: signal.Signals) -> int:
    """Send a signal to every process of a run; return how many received it."""
    reached = 0
    for member in _members(folder):
        reached += member.process.send(number)
        if member.stopped:
            # A stopped process handles only SIGKILL until it is continued.
            member.process.send(signal.SIGCONT)
    return reached


def wrapper_of(folder: Path) -> ProcessSnapshot | None:
    """Return the wrapper of a run; None if it has ended or can't be identified.

    Only its own user and root can verify that the id in `pid` is still the wrapper's.
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
    # The kernel doesn't reuse the id of a session while a process is in it. So it is
    # the wrapper's session as long as a process with the mark is in it.
    wrapper = _wrapper(folder)
    session = wrapper if any(found.session == wrapper for found in marked) else None
    members = [
        found
        for found in everybody
        if found in marked or (session and found.session == session)
    ]
    known = set(members)
    for member in members:  # the list grows during the loop
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
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="fastdeploy-stop", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("signal", choices=[*SIGNALS, COUNT])
    asked = parser.parse_args()
    if not asked.folder.is_absolute() or _wrapper(asked.folder) is None:
        print(f"{asked.folder} is not a run", file=sys.stderr)
        return 2
    if asked.signal == COUNT:
        found = len(processes_of(asked.folder))
    else:
        found = signal_run(asked.folder, SIGNALS[asked.signal])
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
