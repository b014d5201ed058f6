"""Send modules to hosts by pipelining, in the Python of ansible-playbook.

Without pipelining, ssh has a terminal on the host, whose end stops the module. With it,
a module that waits for a command would go on after a run is canceled: what ends it is
inserted into the module.

Ansible starts the Python of the host without arguments. Python reads a program from a
pipe byte by byte, since what follows could be the input of that program: a module of
170 kB takes 170,000 system calls, about a fourth of its processor time. So Python gets
a short program as argument, which reads the module at once.

`ansible_playbook.py` loads this file; so it imports only the standard library and
Ansible.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import Any

#: A line of Ansible's wrapper of modules; what it imports from `__future__` is before.
_LINE = b"\n_ANSIBALLZ_WRAPPER = True\n"
#: The end of a command that starts Python without arguments.
_PYTHON = re.compile(r"(?:^|[\s/])python[0-9.]*$")
#: What Python does without arguments, in the syntax of all Pythons of hosts.
_READ = (
    "import sys;"
    'exec(compile(getattr(sys.stdin,"buffer",sys.stdin).read(),"<stdin>","exec"))'
)


def install() -> None:
    """Change how modules are sent by pipelining.

    `pipelining_target.py` is inserted into those that ssh sends, and the Python of the
    host gets the program that reads a module.

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
        if isinstance(in_data, bytes) and _LINE in in_data:
            if self._connection.transport == "ssh":
                in_data = in_data.replace(_LINE, addition, 1)
            cmd = reading(cmd)
        return execute(self, cmd, sudoable, in_data, **more)

    ActionBase._low_level_execute_command = execute_command


def reading(command: str) -> str:
    """Let a command that starts Python read the program before Python parses it.

    Another command is returned unchanged, such as one with arguments for Python.
    """
    if not _PYTHON.search(command):
        return command
    return f"{command} -c {shlex.quote(_READ)}"
