"""Stopping a run: every process that it started, wherever it went.

ansible-core's workers lead sessions of their own, and what a script leaves behind has
no parent any more. So a process belongs to a run if it is in the run's cgroup, where it
has one; if its environment bears the run's mark; if it is in the session of the run's
wrapper; or if it descends from one that belongs. The wrapper itself is spared: it
writes the exit code.

`python -m app.runner.stop FOLDER SIGNAL` is what a root-owned helper calls where runs
belong to another user. It refuses a folder that is no run.
"""

import argparse
import hashlib
import signal
import sys
from collections import defaultdict
from pathlib import Path

from .processes import Process, all_processes

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
    everybody = all_processes()
    by_parent = defaultdict(list)
    for found in everybody:
        by_parent[found.parent].append(found)
    marked = {
        p.process
        for p in everybody
        if _bears_mark(p.process, folder) or _in_cgroup(p.process, folder)
    }
    wrapper = _wrapper(folder)
    # Only while the wrapper lives is the session's number surely its own.
    known = {p.process.pid for p in everybody if p.process in marked}
    session = wrapper if wrapper in known else None
    members = [
        found
        for found in everybody
        if found.process in marked or (session and found.session == session)
    ]
    for member in members:  # grows while it is walked
        members.extend(
            child for child in by_parent[member.process.pid] if child not in members
        )
    return {
        member.process
        for member in members
        if member.state != "Z" and member.process.pid != session
    }


def signal_run(folder: Path, number: signal.Signals) -> int:
    """Send a signal to every process of a run; returns how many it reached."""
    return sum([process.send(number) for process in processes_of(folder)])


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
