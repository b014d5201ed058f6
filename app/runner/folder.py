"""A run's private folder: what ansible-playbook reads, and no other user can."""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")


def prepare(folder: Path, variables: Mapping[str, Any], *, inventory: bool) -> None:
    """Fill ansible-runner's private folder.

    The variables go into a file, for arguments are seen by every user. With
    `inventory`, this host with a local connection is the inventory.
    """
    _write(folder / "env" / "extravars", _as_data(variables))
    if inventory:
        _write(folder / "inventory" / "hosts.json", json.dumps(_this_host()))


def make_fifo(folder: Path) -> Path:
    """Make the FIFO for the events of our callback plugin; return it."""
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


def _as_data(value: Any) -> str:
    """Write a JSON value as YAML in which no text is a template.

    Ansible evaluates templates in extra variables, so without the tag whoever may set
    a variable could run code: `{{ lookup('pipe', …) }}`.
    """
    match value:
        case "":
            # With the tag, Ansible would take it for null; there is no template in it.
            return '""'
        case str():
            return f"!unsafe {_quoted(value)}"
        case Mapping():
            items = (f"{_quoted(key)}: {_as_data(item)}" for key, item in value.items())
            return f"{{{', '.join(items)}}}"
        case list():
            return f"[{', '.join(map(_as_data, value))}]"
        case _:
            return json.dumps(value)


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _NOT_PLAIN.sub(lambda found: f"\\U{ord(found[0]):08x}", quoted)
