"""Disk space: what is said when a disk is full, which isn't a failure of the run."""

import errno
import shutil
from pathlib import Path

#: What a system call says when a disk, or a user's share of it, is full.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def no_room(folder: Path) -> str:
    """Say that the disk under a folder is full, and what to do about it."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return (
        f"the disk under {folder} is full: {free} bytes free; make room (fastdeploy "
        "deployment prune removes output beyond FASTDEPLOY_KEEP_…) and retry"
    )


def explain(error: OSError, folder: Path) -> str:
    """Say why something in a folder could not be written."""
    if error.errno in FULL:
        return no_room(folder)
    return f"{error.filename or folder}: {error.strerror}"
