"""The host key of a git server that the last fetch refused, in a file by the mirror."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import known_hosts
from .errors import RunnerError
from .known_hosts import HostKey

#: The name of the file. It contains nothing secret.
FILE = "refused-host-key.json"
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Refused:
    """A host key that ssh refused; `changed` if another key of the host is known."""

    key: HostKey
    changed: bool


class HostKeyRefused(RunnerError):
    """A repository can't be reached because ssh refused the key of its host."""

    def __init__(self, message: str, refused: Refused) -> None:
        super().__init__(message)
        self.refused = refused


def report(refused: Refused) -> dict[str, Any]:
    """Return the report of a run that can't fetch its repository, for the journal.

    It is like those of `host_key_refusals`, so the key is accepted in the same way.
    """
    key = refused.key
    return {
        "problem": "changed" if refused.changed else "unknown",
        "name": key.host, "hosts": [key.host], "count": 1, "type": key.type,
        "key": key.key, "previous": "", "previous_place": "",
    }  # fmt: skip


def keep(folder: Path, url: str, refused: Refused) -> None:
    """Write down which key the fetch of a URL has refused."""
    key = refused.key
    content = {"url": url, "host": key.host, "type": key.type, "key": key.key,
               "changed": refused.changed}  # fmt: skip
    (folder / FILE).write_text(json.dumps(content))


def forget(folder: Path) -> None:
    """Remove what was written down, since the host was reached or its key accepted."""
    (folder / FILE).unlink(missing_ok=True)


def read(folder: Path, url: str) -> Refused | None:
    """Return the key that the last fetch of a URL refused; None if it refused none."""
    try:
        with (folder / FILE).open("rb") as file:
            content = json.loads(file.read(_MAX_BYTES))
        if content["url"] != url:
            return None
        key = known_hosts.make(content["host"], content["type"], content["key"])
        return Refused(key, content["changed"] is True)
    except (OSError, ValueError, LookupError, TypeError):
        return None
