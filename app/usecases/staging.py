"""Drafts: temporary folders that are moved into place when they are complete."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.settings import Settings


@contextmanager
def draft(settings: Settings, name: str) -> Iterator[Path]:
    """Create a folder to write into; it is removed unless it was moved into place."""
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder, fcntl.LOCK_EX):
        made = Path(tempfile.mkdtemp(dir=folder, prefix=f"{name}."))
        held = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
        # Locked while it is written: the kernel releases the lock if the process dies.
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(held)


def remove_leftovers(settings: Settings) -> int:
    """Remove the drafts of killed processes; return their number."""
    folder = _folder(settings)
    if not folder.is_dir():
        return 0
    removed = 0
    with _locked(folder, fcntl.LOCK_EX):
        for left in folder.iterdir():
            try:
                with _locked(left, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    shutil.rmtree(left, ignore_errors=True)
            except BlockingIOError:
                continue
            removed += 1
    return removed


def _folder(settings: Settings) -> Path:
    # On the same file system as the destination, so that a rename is possible.
    return settings.runs / ".drafts"


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
