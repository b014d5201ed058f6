"""Locks on files, which the kernel releases when a process ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

#: Seconds between two attempts to get a lock that another process holds.
_INTERVAL = 0.05


def take(path: Path, *, shared: bool, deadline: float | None = None) -> int | None:
    """Return a descriptor that holds a lock; None if another process holds it.

    The lock is on the file that is at the path when the function returns: the process
    that held the lock before may have removed the file.

    Args:
        path: The file; it is created, with mode 0600.
        shared: Several processes may hold a shared lock at the same time.
        deadline: How long to wait, as a time of `time.monotonic`; without it, as long
            as it takes. A time that has passed makes one attempt.
    """
    operation = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _lock(descriptor, operation, deadline):
                os.close(descriptor)
                return None
        except BaseException:
            os.close(descriptor)
            raise
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold an exclusive lock while the block runs, after waiting for it."""
    descriptor = take(path, shared=False)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock(descriptor: int, operation: int, deadline: float | None) -> bool:
    if deadline is None:
        fcntl.flock(descriptor, operation)
        return True
    while True:
        try:
            fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_INTERVAL)
        else:
            return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
