"""Write a run's private folder, which only ansible-playbook's own user can read."""

import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import extra_vars
from .errors import RunnerError

_PREFIX = "fastdeploy-run-"
#: Characters that `tempfile.mkdtemp` adds to the prefix.
_RANDOM = 8
#: Characters of the folder's path: ssh's sockets below it may have 107, and their own
#: names take up to 60.
_MAX_PATH = 45


def make(*, for_ssh: bool) -> Path:
    """Make a private folder in TMPDIR.

    With `for_ssh`, it is in /tmp if the path of TMPDIR doesn't suit the sockets and the
    options of ssh.
    """
    parent = tempfile.gettempdir()
    length = len(parent) + 1 + len(_PREFIX) + _RANDOM
    suits = length <= _MAX_PATH and re.fullmatch(r"[\w./-]+", parent, re.ASCII)
    chosen = parent if suits or not for_ssh else "/tmp"  # noqa: S108 - mkdtemp is safe there
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=chosen))


def prepare(folder: Path, variables: Mapping[str, Any], *, inventory: bool) -> None:
    """Fill ansible-runner's private folder.

    The variables go into a file, since every user can see the arguments of a process.
    With `inventory`, it gets an inventory of this host with a local connection.

    Raises:
        RunnerError: Ansible would change or reject a variable.
    """
    try:
        content = extra_vars.dumps(variables)
    except ValueError as error:
        raise RunnerError(f"A variable {error}.") from None
    _write(folder / "env" / "extravars", content)
    if inventory:
        _write(folder / "inventory" / "hosts.json", json.dumps(_this_host()))


def make_fifo(folder: Path) -> Path:
    """Make the FIFO for the events of the callback plugin; return its path."""
    events = folder / "events"
    os.mkfifo(events, 0o600)
    return events


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    path.write_text(content + "\n")


def _this_host() -> dict[str, Any]:
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return {"all": {"hosts": {"localhost": host}}}
