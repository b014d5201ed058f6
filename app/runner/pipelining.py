"""Send modules to hosts by pipelining, in the Python of ansible-playbook.

Without pipelining, ssh has a terminal on the host, whose end stops the module. With it,
a module that waits for a command would go on after a run is canceled: what ends it is
inserted into the module.

Ansible starts the Python of the host without arguments. Python reads a program from a
pipe byte by byte, since what follows could be the input of that program: a module of
170 kB takes 170,000 system calls, a fourth to a third of its processor time. So Python
gets a short program as argument, which reads the module at once.

A module of ansible-core has about 50 files, which Python compiles for each task: a
third of the rest. A host with the Python of ansible-playbook gets them as bytecode,
which `built_modules.py` stores. In another Python, the short program refuses it before
anything of the module runs; then the module is sent as source.

`ansible_playbook.py` loads this file; so it imports only the standard library and
Ansible.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

#: Returns the compressed archive with the bytecode of a module: its name, and the
#: archive that Ansible sends, in Base64. Nothing if there is none.
Bytecode = Callable[[str, bytes], bytes]

#: A line of Ansible's wrapper of modules; what it imports from `__future__` is before.
_LINE = b"\n_ANSIBALLZ_WRAPPER = True\n"
#: The end of a command that starts Python without arguments.
_PYTHON = re.compile(r"(?:^|[\s/])python([0-9.]*)$")
#: What Python does without arguments, in the syntax of all Pythons of hosts. It is one
#: line, since csh takes no other as an argument.
READ = (
    "import sys;"
    'exec(compile(getattr(sys.stdin,"buffer",sys.stdin).read(),"<stdin>","exec"))'
)
#: The connections whose hosts get bytecode.
_BYTECODE_CONNECTIONS = ("ssh", "local")
#: How a host says that it can't use bytecode.
REFUSAL = "fastdeploy: this Python needs the source"
#: Reads the length of a program, the program, and the archive that the program uses.
READ_BYTECODE = (
    'import sys;content=getattr(sys.stdin,"buffer",sys.stdin).read();'
    'magic=getattr(sys.modules.get("_frozen_importlib_external"),"MAGIC_NUMBER",None);'
    "size=8+int(content[:8]);_fastdeploy_archive=content[size:];"
    'exec(compile(content[8:size],"<stdin>","exec")'
    f" if magic=={importlib.util.MAGIC_NUMBER!r} and not sys.flags.optimize"
    f" else \"sys.stdout.write('{REFUSAL}')\")"
)
#: Ansible's own modules, in what calls the wrapper.
_MODULE = re.compile(rb"^module_fqn='ansible\.modules\.(\w+)',$", re.MULTILINE)
#: The last argument of the wrapper, and what it does with it.
_ARCHIVE, _END = b"\nzip_data='", b"',\n)\n"
_DECODED = b"base64.b64decode(zip_data)"
#: The arguments of a module that returns no traceback: these contain lines of source.
_NO_TRACEBACKS = b'"_ansible_tracebacks_for": []'


def install(bytecode: Bytecode) -> None:
    """Change how modules are sent by pipelining.

    `pipelining_target.py` is inserted into those that ssh sends, and the Python of the
    host gets the program that reads a module.

    Raises:
        ImportError: This ansible-core has another structure.
        AttributeError: The same.
    """
    from ansible.plugins.action import ActionBase

    addition = _LINE + _read("pipelining_target.py")
    execute = ActionBase._low_level_execute_command

    def execute_command(
        self: Any, cmd: Any, sudoable: bool = True, in_data: Any = None, **more: Any
    ) -> Any:
        if not isinstance(in_data, bytes) or _LINE not in in_data:
            return execute(self, cmd, sudoable, in_data, **more)
        if self._connection.transport == "ssh":
            in_data = in_data.replace(_LINE, addition, 1)
        if self._connection.transport in _BYTECODE_CONNECTIONS:
            compiled = b""
            # The source always works.
            with suppress(Exception):
                refusal = _Refusal(self._connection, cmd)
                if not refusal.exists():
                    compiled = compile_module(cmd, in_data, bytecode)
            if compiled:
                command = f"{cmd} -c {shlex.quote(READ_BYTECODE)}"
                result = execute(self, command, sudoable, compiled, **more)
                if not result.get("stdout", "").endswith(REFUSAL):
                    return result
                refusal.save()
        return execute(self, reading(cmd), sudoable, in_data, **more)

    ActionBase._low_level_execute_command = execute_command


def use_for_local_connections() -> None:
    """Let local connections use pipelining unless `pipelining` is set for them.

    Raises:
        ImportError: This ansible-core has another structure.
        AttributeError: The same.
    """
    from ansible.plugins.connection import ConnectionBase

    is_enabled = ConnectionBase.is_pipelining_enabled

    def is_pipelining_enabled(self: Any, wrap_async: bool = False) -> bool:
        if self.transport == "local":
            _, origin = self.get_option_and_origin("pipelining")
            if origin == "default":
                self.set_option("pipelining", True)
        return bool(is_enabled(self, wrap_async))

    ConnectionBase.is_pipelining_enabled = is_pipelining_enabled


def reading(command: str) -> str:
    """Let a command that starts Python read the program before Python parses it.

    Another command is returned unchanged, such as one with arguments for Python.
    """
    if not _PYTHON.search(command):
        return command
    return f"{command} -c {shlex.quote(READ)}"


def compile_module(command: str, module: bytes, bytecode: Bytecode) -> bytes:
    """Return what `READ_BYTECODE` reads for a module; nothing if it needs the source.

    Args:
        command: What starts the Python of the host.
        module: What Ansible sends to it.
        bytecode: Finds the bytecode of the module.
    """
    python, name = _PYTHON.search(command), _MODULE.search(module)
    begin = module.rfind(_ARCHIVE) + len(_ARCHIVE)
    if not (python and name and module.endswith(_END) and _NO_TRACEBACKS in module):
        return b""
    if "." in python[1] and python[1] != "{}.{}".format(*sys.version_info):
        return b""
    archive = bytecode(name[1].decode(), module[begin : -len(_END)])
    if not archive or _DECODED not in module[:begin]:
        return b""
    program = module[: begin - 1].replace(_DECODED, b"zip_data", 1)
    program = program.replace(_LINE, _LINE + _read("bytecode_target.py"), 1)
    program += b"_fastdeploy_archive,\n)"
    return b"%8d%b%b" % (len(program), program, archive)


class _Refusal:
    """That the Python of a host has refused bytecode in this run."""

    def __init__(self, connection: Any, command: str) -> None:
        from ansible import constants

        host = f"{connection._play_context.remote_addr} {command}"
        name = hashlib.blake2b(host.encode(), digest_size=16).hexdigest()
        # Each task of a host is a process of its own.
        self._path = os.path.join(constants.DEFAULT_LOCAL_TMP, f"refusal-{name}")

    def exists(self) -> bool:
        return os.path.exists(self._path)

    def save(self) -> None:
        """Let later tasks send the source."""
        with suppress(OSError), open(self._path, "wb"):
            pass


def _read(name: str) -> bytes:
    with open(os.path.join(os.path.dirname(__file__), name), "rb") as file:
        return file.read()
