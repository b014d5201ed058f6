"""Create a cgroup for each run if systemd has delegated a subtree to the worker.

`Delegate=yes` in the worker's unit requests this. A process that clears its
environment, starts a session of its own or loses its parent stays in its cgroup. See
cgroups(7).
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app.runner.stop import cgroup_of

_MOUNTS = Path("/proc/self/mountinfo")
_OURS = Path("/proc/self/cgroup")


def make(run: Path) -> Path | None:
    """Create the cgroup of the run in this folder; None if that isn't possible."""
    for ours in _delegated():
        made = ours / cgroup_of(run)
        with suppress(OSError):
            made.mkdir(exist_ok=True)
            return made
    return None


def remove(run: Path) -> None:
    """Remove the cgroup of a run, unless processes of the run are still in it."""
    for ours in _delegated():
        with suppress(OSError):
            (ours / cgroup_of(run)).rmdir()


def _delegated() -> Iterator[Path]:
    """Yield this process's cgroups in systemd's trees if they are delegated to it."""
    # systemd sets this variable for services. In other processes, a writable cgroup
    # isn't a delegated one.
    if "INVOCATION_ID" not in os.environ:
        return
    own = {
        controllers: path
        for _, controllers, path in (
            line.split(":", 2) for line in _OURS.read_text().splitlines()
        )
    }
    for line in _MOUNTS.read_text().splitlines():
        # proc(5): … root, mount point, options …, "-", type, source, super options
        before, _, after = line.partition(" - ")
        root, mounted = before.split()[3:5]
        kind, _, options = after.split()
        name = "name=systemd" if "name=systemd" in options.split(",") else ""
        if kind != "cgroup2" and not (kind == "cgroup" and name):
            continue
        path = own.get(name, "")
        if path.startswith(root):
            ours = Path(mounted) / path.removeprefix(root).lstrip("/")
            if os.access(ours, os.W_OK):
                yield ours
