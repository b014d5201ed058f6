"""Identify a worker among others that might use its node's name."""

import hashlib
import uuid
from contextlib import suppress
from pathlib import Path

from app.domain.node import NodeInstance

_MACHINE = (Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id"))


def new_instance(var: Path) -> NodeInstance:
    """Return a new instance for the worker that has locked this folder."""
    return NodeInstance(_identity(var), uuid.uuid4().hex, _place(var))


def _identity(var: Path) -> str:
    """Return the identity stored in a worker's folder; create it if it is missing."""
    path = var / "node-id"
    try:
        known = path.read_text().strip()
    except FileNotFoundError:
        known = ""
    if not known:
        known = uuid.uuid4().hex
        draft = path.with_suffix(".new")
        draft.write_text(known)
        draft.replace(path)
    return known


def _place(var: Path) -> str:
    """Return a hash of this machine, its boot, and the folder's device and inode.

    A copy of the folder on the same machine has another inode, and a clone of the
    machine has another boot id.
    """
    folder = var.stat()
    known = [f"{folder.st_dev}:{folder.st_ino}"]
    for path in _MACHINE:
        with suppress(OSError):
            known.append(path.read_text().strip())
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:32]
