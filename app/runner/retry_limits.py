"""What a retry is limited to, and what it runs first: hosts and owed handlers.

The worker decides both. A service that doesn't allow the option `limit` has retries on
some hosts nevertheless: they run on fewer hosts, never on more.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import RunnerError

#: Characters with a meaning at the beginning of a pattern.
_SPECIAL = ("@", "!", "&", "~")


def read_hosts(content: Mapping[str, Any], path: Path) -> tuple[str, ...] | None:
    """Return the hosts of a retry that the config file of a run has; None without any.

    Raises:
        RunnerError: They aren't names of hosts.
    """
    hosts = content.get("hosts")
    if hosts is None:
        return None
    if not isinstance(hosts, list) or not hosts or not all(map(is_host, hosts)):
        raise RunnerError(
            f'"hosts" in {path} must be a list of host names: correct it.'
        )
    return tuple(hosts)


def read_owed_handlers(
    content: Mapping[str, Any], path: Path
) -> Mapping[str, Sequence[str]]:
    """Return the handlers to run first, by host.

    Raises:
        RunnerError: They aren't lists of names, or ansible-runner's callback plugin
            sends the events: it can't run them.
    """
    owed = content.get("owed_handlers", {})
    if not isinstance(owed, dict) or not all(map(_are_names, owed.values())):
        raise RunnerError(
            f'"owed_handlers" in {path} must be lists of names by host: correct it.'
        )
    if owed and content.get("events") == "runner":
        raise RunnerError(
            "Owed handlers can't run with FASTDEPLOY_EVENTS=runner: remove it, and "
            "restart the worker."
        )
    return owed


def arguments(private: Path, hosts: Sequence[str] | None) -> list[str]:
    """Write the hosts into a file; return the arguments of ansible-playbook.

    One argument may have 128 KiB only.
    """
    if hosts is None:
        return []
    file = private / "limit"
    file.write_text("\n".join(hosts) + "\n")
    return [f"--limit=@{file}"]


def variables(private: Path, owed: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Write the owed handlers into a file; return the variables of the callback."""
    if not owed:
        return {}
    file = private / "owed_handlers.json"
    file.write_text(json.dumps(owed))
    return {"FASTDEPLOY_OWED_HANDLERS": str(file)}


def is_host(name: object) -> bool:
    """Return whether a name can be the limit of a run, as the name of one host."""
    return (
        isinstance(name, str)
        and name.isprintable()
        and name == name.strip() != ""
        and not name.startswith(_SPECIAL)
    )


def _are_names(names: object) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
