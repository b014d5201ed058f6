"""Messages for a full disk, which isn't a failure of the run."""

import errno
import shutil
from pathlib import Path

#: The errors of a system call when a disk, or a user's quota, is full.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def no_room(folder: Path) -> str:
    """Return the message that the disk under a folder is full, and what to do."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return (
        f"the disk under {folder} is full: {free} bytes free; make room (fastdeploy "
        "deployment prune removes output beyond FASTDEPLOY_KEEP_…) and retry"
    )


def explain(error: OSError, folder: Path) -> str:
    """Return the message for a file in a folder that can't be written."""
    if error.errno in FULL:
        return no_room(folder)
    return f"{error.filename or folder}: {error.strerror}"
