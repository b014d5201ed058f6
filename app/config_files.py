"""Read the files that define services."""

import os
import stat
from pathlib import Path

from app.errors import Invalid

#: Maximum number of bytes that are read of a file.
MAX_CONFIG = 1024 * 1024


def read_file(path: Path) -> bytes:
    """Return the content of a regular file.

    Raises:
        Invalid: It can't be read, or is too large.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # Opening a named pipe would block until another process writes to it.
            raise Invalid(f"{path.name} can't be read: it is not a file")
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG + 1)
    except OSError as error:
        raise Invalid(f"{path.name} can't be read: {error.strerror}") from None
    if len(content) > MAX_CONFIG:
        raise Invalid(f"{path.name} is larger than {MAX_CONFIG} bytes")
    return content


def printable(name: str) -> str:
    """Return a folder's name as valid UTF-8; any other name is invalid anyway."""
    return os.fsencode(name).decode(errors="replace")
