"""Let Ansible's own strategies connect by mitogen, in the Python of ansible-playbook.

`ansible_playbook.py` loads it; so it imports only the standard library, Ansible and
mitogen. Plays keep the strategy that they or ansible.cfg name, and each of `linear`,
`free` and `host_pinned` works as before: only connections and modules are mitogen's.
Plays with another strategy, and other connections than mitogen has, aren't affected.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

#: The version of mitogen.
VERSION = "0.3.54"
#: The versions of ansible-core that it was tested with here.
OLDEST, NEWEST = (2, 19), (2, 21)
_STRATEGIES = ("linear", "free", "host_pinned")
#: Lines of ssh that explain why it refuses a host key.
_MAX_LINES = 30
#: Bytes of the path of a Unix socket, unix(7).
_MAX_SOCKET = 107


class Unusable(Exception):
    """Why mitogen can't be used."""


def supports(version: str) -> bool:
    """Return whether mitogen was tested with a version of ansible-core."""
    return OLDEST <= tuple(map(int, version.split(".")[:2])) <= NEWEST


def describe_range() -> str:
    """Return the versions of ansible-core that mitogen is for, as a clause."""
    first, last = (".".join(map(str, each)) for each in (OLDEST, NEWEST))
    return f"mitogen {VERSION} is for ansible-core {first} to {last}"


def activate(folder: str, sockets: str) -> None:
    """Let the strategies of this process use the mitogen in a folder.

    Args:
        folder: The folder.
        sockets: The private folder of the run.

    Raises:
        Unusable: It doesn't work with this ansible-core, or not in this folder.
    """
    from ansible.release import __version__

    if not supports(__version__):
        raise Unusable(f"{describe_range()}, and this is {__version__}")
    if len(os.fsencode(_make_socket_path(sockets))) > _MAX_SOCKET:
        raise Unusable(f"{sockets} is too long for the path of a socket: set TMPDIR")
    sys.path.insert(0, folder)
    try:
        _check_host_keys_as_ansible()
        _extend_targets()
        _put_sockets_into(sockets)
        _name_async_folder()
        _start_jobs_with_booleans()
        _end_calls_at_timeout()
        _replace_strategies()
    except Exception as error:
        sys.path.remove(folder)
        name = type(error).__name__
        raise Unusable(
            f"mitogen {VERSION} fails with ansible-core {__version__} ({name}: {error})"
        ) from error


def _replace_strategies() -> None:
    import ansible.plugins.strategy as builtin
    import ansible_mitogen.strategy
    from ansible.plugins.loader import strategy_loader

    load = strategy_loader.get
    folder = os.path.dirname(builtin.__file__ or "")  # noqa: PTH120
    known: dict[type, type] = {}

    def get(name: str, *args: Any, **kwargs: Any) -> Any:
        strategy = load(name, *args, **kwargs)
        plain = type(strategy)
        if name.rpartition(".")[2] in _STRATEGIES and folder == _folder(plain):
            bases = (ansible_mitogen.strategy.StrategyMixin, plain)
            strategy.__class__ = known.setdefault(
                plain, type(plain.__name__, bases, {})
            )
        return strategy

    strategy_loader.get = get


def _folder(plugin: type) -> str:
    """Return the folder of a plugin's file."""
    file = getattr(sys.modules.get(plugin.__module__), "__file__", None)
    return os.path.dirname(file or "")  # noqa: PTH120


def _extend_targets() -> None:
    """Append `mitogen_target.py` to the code that mitogen sends to hosts."""
    import ansible_mitogen._modifiers as modifiers

    path = os.path.join(os.path.dirname(__file__), "mitogen_target.py")  # noqa: PTH118, PTH120
    with open(path, "rb") as file:  # noqa: PTH123 - few imports
        addition = file.read()
    register = modifiers.register_moduleresponder_modifiers

    def extend(_: str, path: Any, source: bytes, is_package: Any) -> Any:
        return path, source + b"\n" + addition, is_package

    def register_modifiers(responder: Any) -> None:
        register(responder)
        responder.add_source_modifier("ansible_mitogen.target", extend)

    modifiers.register_moduleresponder_modifiers = register_modifiers


def _put_sockets_into(folder: str) -> None:
    """Let mitogen's sockets be removed with the folder of the run, even if killed."""
    import mitogen.unix

    mitogen.unix.make_socket_path = lambda: _make_socket_path(folder)


def _make_socket_path(folder: str) -> str:
    # Only this user may write there.
    return tempfile.mktemp(".sock", dir=folder)  # noqa: S306


def _name_async_folder() -> None:
    """Let the variable `ansible_async_dir` choose where the state of jobs is."""
    from ansible_mitogen.planner import Invocation

    prepare = Invocation.__init__

    def __init__(self: Any, action: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        prepare(self, action, *args, **kwargs)
        if self.wrap_async:
            folder = action.get_shell_option("async_dir", default="~/.ansible_async")
            self.env = {"ANSIBLE_ASYNC_DIR": str(folder), **self.env}

    Invocation.__init__ = __init__


def _start_jobs_with_booleans() -> None:
    """Report a new async job with booleans: ansible-core 2.21 warns of numbers."""
    from ansible_mitogen import planner

    start = planner._invoke_async_task

    def start_job(*args: Any) -> dict[str, str]:
        state = json.loads(start(*args)["stdout"])
        state |= {name: bool(state[name]) for name in ("started", "finished")}
        return {"stdout": json.dumps(state)}

    planner._invoke_async_task = start_job


def _end_calls_at_timeout() -> None:
    """Close the connection of a task whose `timeout` is over.

    A host runs one call at a time: the next task would wait for the end of this one.
    """
    from ansible_mitogen.connection import CallChain

    call = CallChain.call

    def call_with_timeout(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return call(self, *args, **kwargs)
        except BaseException as error:
            if type(error).__name__ == "TaskTimeoutError":
                self._connection.reset()
            raise

    CallChain.call = call_with_timeout


def _check_host_keys_as_ansible() -> None:
    """Give ssh its arguments in Ansible's order, and report what it says of a key.

    ssh uses the first value of an option. mitogen's own come first, so it would ignore
    a `StrictHostKeyChecking=yes` or a known_hosts file in the arguments of a service.
    """
    import ansible_mitogen.connection as connections
    from mitogen import ssh

    connect = connections._connect_ssh
    command = ssh.Connection.get_boot_command
    protocol = ssh.SetupProtocol

    def connect_ssh(spec: Any) -> Any:
        found = connect(spec)
        arguments = found["kwargs"]
        if arguments["check_host_keys"] == "ignore":
            arguments["check_host_keys"] = "enforce"
            # Not for a host that mitogen_via names, whose arguments aren't known.
            if hasattr(spec, "_connection_option"):
                first = len(_words(spec, "ssh_args"))
                unchecked = ["-o", "StrictHostKeyChecking=no"]
                arguments["ssh_args"][first:first] = unchecked
        return found

    def get_boot_command(self: Any) -> list[str]:
        options = self.options
        given, options.ssh_args = options.ssh_args or [], None
        try:
            program, *rest = command(self)
        finally:
            options.ssh_args = given
        return [program, *given, *rest]

    def on_line(self: Any, line: bytes, *_: Any) -> None:
        lines = vars(self).setdefault("fastdeploy_lines", [])
        if len(lines) < _MAX_LINES:
            lines.append(line.decode(errors="replace").strip())

    def on_refused(self: Any, line: bytes, *_: Any) -> None:
        on_line(self, line)
        reason = "\n".join(self.fastdeploy_lines)
        self.stream.conn._fail_connection(
            ssh.HostKeyError("Failed to connect to the host via ssh: %s", reason)
        )

    connections.CONNECTION_METHOD["ssh"] = connect_ssh
    connections.CONNECTION_METHOD["smart"] = connect_ssh
    ssh.Connection.get_boot_command = get_boot_command
    protocol.PATTERNS = [
        (pattern, on_refused if pattern is ssh.HOSTKEY_FAIL_PATTERN else handle)
        for pattern, handle in protocol.PATTERNS
    ]
    protocol.on_unrecognized_line_received = on_line


def _words(spec: Any, option: str) -> list[str]:
    from ansible.utils.shlex import shlex_split

    value: list[str] = shlex_split(spec._connection_option(option) or "")
    return value
