"""Recognize failures of Ansible whose message doesn't show the reason."""

from collections.abc import Mapping
from typing import Any

#: What sudo prints if its policy has requiretty.
_NEEDS_TERMINAL = "you must have a tty to run sudo"
_REQUIRETTY = (
    "sudo on this host requires a terminal (requiretty), which pipelining doesn't "
    "provide: set ansible_pipelining: false for this host in the inventory, set "
    '"speed": {"pipelining": false} for the service, or remove requiretty.'
)


def explain(result: Mapping[str, Any]) -> str:
    """Return the reason of a failure and what to do; empty if it isn't known."""
    # Only a module that printed no result has these keys.
    for key in ("module_stderr", "module_stdout"):
        text = result.get(key)
        if isinstance(text, str) and _NEEDS_TERMINAL in text:
            return _REQUIRETTY
    return ""
