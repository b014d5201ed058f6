"""Read the objects that hold credentials: placed files and the run's config file."""

import json
import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import RunnerError

#: The folder with the placed files of each user, `<user>/<kind>.<name>.json`.
PLACED = Path("/etc/fastdeploy/credentials")
_MAX_SIZE = 1 << 20


def placed_path(folder: Path, reference: str) -> Path:
    """Return the path of the placed file of a credential for this user."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    return folder / user / f"{reference.replace(':', '.', 1)}.json"


def read_placed(path: Path) -> dict[str, Any] | None:
    """Return the content of a placed file; None if there is none.

    Raises:
        RunnerError: The file is a link, doesn't belong to this user or root, can be
            read or written by other users, or holds no JSON object.
    """
    if not os.path.lexists(path):
        return None
    content, found = _read(path)
    if found.st_uid not in (0, os.geteuid()):
        raise RunnerError(f"{path} must belong to this user or to root: chown it.")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise RunnerError(f"{path} can be read by other users: chmod 600 it.")
    return _object(content, path)


def read_given(path: Path) -> tuple[Mapping[str, Any], bool]:
    """Return the credentials in a run's config file, and whether this user wrote it.

    Raises:
        RunnerError: The file is unreadable or invalid.
    """
    content, found = _read(path)
    given = _object(content, path).get("credentials", {})
    if not isinstance(given, dict) or not all(
        isinstance(value, dict) for value in given.values()
    ):
        raise RunnerError(f'"credentials" in {path} must be an object of objects.')
    return given, found.st_uid == os.geteuid()


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    """Return a file's content and its status, which belong to the same file."""
    try:
        # Without O_NONBLOCK, a FIFO would block here.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        with os.fdopen(os.open(path, flags), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise RunnerError(f"{path} is not a regular file: replace it.")
            content = file.read(_MAX_SIZE + 1)
    except OSError as error:
        if path.is_symlink():
            raise RunnerError(f"{path} is a link: put the file itself there.") from None
        raise RunnerError(
            f"Can't read {path} ({error.strerror}): check that this user may read it."
        ) from None
    if len(content) > _MAX_SIZE:
        raise RunnerError(f"{path} is larger than {_MAX_SIZE} bytes: shorten it.")
    return content, found


def _object(content: bytes, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        # The message never repeats the content.
        raise RunnerError(f"{path} must hold a JSON object: correct it.")
    return value
