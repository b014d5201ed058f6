"""Keep the facts of hosts for later runs of the same service.

    DATA/facts/<service>/age      seconds for which facts are valid
    DATA/facts/<service>/hosts/   a file for each host, written by Ansible

Only the user that runs the service can read them. Services and environments share
nothing: the name of a service has its environment.
"""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from .errors import RunnerError

_FACTS = "facts"
_AGE = "age"
_HOSTS = "hosts"


def place(data: Path, service: str) -> Path:
    """Return the folder in which Ansible keeps the facts of a service.

    Args:
        data: The folder in which this user keeps data.
        service: The name of the service, with its project and environment.
    """
    return _folder(data, service) / _HOSTS


def prepare(data: Path, service: str, age: int) -> None:
    """Make the folder of a service, and remove what has expired; of any service.

    Args:
        data: The folder in which this user keeps data.
        service: The service that runs.
        age: The seconds for which its facts are valid; 0: its facts are removed.

    Raises:
        RunnerError: The folder can't be made.
    """
    own = _folder(data, service)
    with suppress(OSError):
        for folder in (data / _FACTS).iterdir():
            if _has_expired(folder) or (folder == own and not age):
                shutil.rmtree(folder, ignore_errors=True)
    if not age:
        return
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (data / _FACTS, own, own / _HOSTS):
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)
        (own / _AGE).write_text(f"{age}\n")
    except OSError as error:
        raise RunnerError(
            f"Can't keep facts in {own} ({error.strerror}): make the folder writable, "
            'or remove "fact_cache".'
        ) from None


def remove_project(data: Path, project: str) -> None:
    """Remove the facts of all services of a project."""
    for folder in (data / _FACTS).glob(f"{quote(f'{project}/', safe='')}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _folder(data: Path, service: str) -> Path:
    return data / _FACTS / quote(service, safe="")


def _has_expired(folder: Path) -> bool:
    """Return whether all facts in a folder are too old, or none can be valid."""
    try:
        age = int((folder / _AGE).read_text())
        times = [entry.stat().st_mtime for entry in os.scandir(folder / _HOSTS)]
    except (OSError, ValueError):
        return True
    newest = max(times, default=(folder / _AGE).stat().st_mtime)
    return time.time() - newest > age
