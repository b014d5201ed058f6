"""Don't ask a host twice whether a file exists, in the Python of ansible-playbook.

An action such as `copy` first runs a module on the host that describes the file. If it
is going to change the file in diff mode, it runs another one that looks whether there
is a file, and whether it is binary. FastDeploy gets the versions of files by diff mode,
so most runs are in it. `ansible_playbook.py` loads this file, so it imports only the
standard library and Ansible.
"""

from __future__ import annotations

import functools
from typing import Any

#: The attribute of an action with the path that it asked for last, if nothing is there.
_ABSENT = "_fastdeploy_absent"
_MODULE = "ansible.legacy.file"


def install() -> None:
    """Let actions answer themselves what they have asked before.

    Raises:
        ImportError: This ansible-core has another structure.
        AttributeError: The same.
    """
    from ansible.plugins.action import ActionBase

    describe, compare = ActionBase._execute_remote_stat, ActionBase._get_diff_data

    @functools.wraps(describe)
    def execute_remote_stat(self: Any, path: Any, *args: Any, **more: Any) -> Any:
        found = describe(self, path, *args, **more)
        setattr(self, _ABSENT, None if found["exists"] else path)
        return found

    @functools.wraps(compare)
    def get_diff_data(self: Any, destination: Any, *args: Any, **more: Any) -> Any:
        if destination != getattr(self, _ABSENT, None):
            return compare(self, destination, *args, **more)
        # An attribute of the action comes before the method of its class.
        self._execute_module = _answer(self._execute_module, destination)
        try:
            return compare(self, destination, *args, **more)
        finally:
            del self._execute_module

    ActionBase._execute_remote_stat = execute_remote_stat
    ActionBase._get_diff_data = get_diff_data


def _answer(execute: Any, absent: Any) -> Any:
    """Return a function that executes modules, but doesn't look for an absent file."""
    looking = {"path": absent, "_diff_peek": True}

    def execute_module(*args: Any, **more: Any) -> Any:
        if more.get("module_name") == _MODULE and more.get("module_args") == looking:
            return {
                "changed": False, "path": absent, "state": "absent",
                "appears_binary": False,
            }  # fmt: skip
        return execute(*args, **more)

    return execute_module
