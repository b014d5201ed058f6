"""End modules on hosts with their ssh connection, in the Python of ansible-playbook.

Without pipelining, ssh has a terminal on the host, whose end stops the module. With it,
a module that waits for a command would go on after a run is canceled.
`ansible_playbook.py` loads this file; so it imports only the standard library and
Ansible.
"""

from __future__ import annotations

import os
from typing import Any

#: A line of Ansible's wrapper of modules; what it imports from `__future__` is before.
_LINE = b"\n_ANSIBALLZ_WRAPPER = True\n"


def install() -> None:
    """Insert `pipelining_target.py` into each module that ssh sends by pipelining.

    Raises:
        ImportError: This ansible-core has another structure.
        AttributeError: The same.
    """
    from ansible.plugins.action import ActionBase

    path = os.path.join(os.path.dirname(__file__), "pipelining_target.py")
    with open(path, "rb") as file:
        addition = _LINE + file.read()
    execute = ActionBase._low_level_execute_command

    def execute_command(
        self: Any, cmd: Any, sudoable: bool = True, in_data: Any = None, **more: Any
    ) -> Any:
        if isinstance(in_data, bytes) and self._connection.transport == "ssh":
            in_data = in_data.replace(_LINE, addition, 1)
        return execute(self, cmd, sudoable, in_data, **more)

    ActionBase._low_level_execute_command = execute_command
