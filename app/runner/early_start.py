"""Start the Python of ansible-playbook before it is known what it runs.

Most of the time until the first task, Python imports Ansible. So a child process
imports what doesn't depend on settings while this process reads the service and
prepares its run. `ansible_playbook.py` is the program of the child. It gets its
environment, its arguments and its descriptors through a socket; if that is closed, it
exits.

Until the run begins, it knows nothing of the run. It isn't used if the run has another
Ansible, or sets variables that Python or the C library read when they start.

This module is imported before all others, so it imports little.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

from .ansible_playbook import EARLY

_PROGRAM = "ansible-playbook"
_WRAPPER = os.path.join(os.path.dirname(__file__), "ansible_playbook.py")  # noqa: PTH118, PTH120
#: Beginnings of the names of variables that are read when a Python starts.
_AT_START = ("GCONV_", "GLIBC_", "HOME", "LANG", "LC_", "LD_", "LOCPATH", "MALLOC_",
             "OPENSSL_", "PYTHON")  # fmt: skip


class EarlyStart:
    """The child process; there may be none."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        """Start this command; without one, there is no process."""
        self._command = [*command]
        self._pid = 0
        if not command:
            return
        ours, theirs = socket.socketpair()
        # Nobody reads what it prints until the run begins. Python decides at its start
        # whether its output can be positioned, so this isn't /dev/null but a pipe, as
        # later.
        self._unread, writer = os.pipe()
        with theirs, os.fdopen(writer, "wb"):
            standard = [
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, writer, 1),
                (os.POSIX_SPAWN_DUP2, writer, 2),
            ]
            theirs.set_inheritable(True)
            env = os.environ | utf8_locale(os.environ)
            self._pid = os.posix_spawn(
                command[0], self._command, {**env, EARLY: str(theirs.fileno())},
                file_actions=standard, setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
            )  # fmt: skip
        self._socket = ours

    def suits(self, environment: Mapping[str, str]) -> bool:
        """Return whether it suits a service with this `environment`."""
        return not any(name.startswith(_AT_START) for name in environment)

    def take(
        self,
        command: Sequence[str],
        arguments: Sequence[str],
        folder: str,
        env: Mapping[str, str],
        descriptors: Mapping[str, int],
    ) -> int:
        """Let it run ansible-playbook; return its process id, 0 if it can't.

        Args:
            command: The command that would start it otherwise.
            arguments: The arguments of ansible-playbook.
            folder: The working directory.
            env: The whole environment.
            descriptors: The descriptors that it gets, each with the variable that has
                its number; the first one is for what it prints.
        """
        if not self._pid or not _same(command, self._command):
            self.discard()
            return 0
        # Imported late: it isn't needed to start the process.
        import resource  # noqa: PLC0415

        core = resource.getrlimit(resource.RLIMIT_CORE)
        resource.prlimit(self._pid, resource.RLIMIT_CORE, core)
        content = json.dumps({
            "arguments": [*arguments], "folder": folder, "environment": {**env},
            "descriptors": [*descriptors],
        })  # fmt: skip
        pid, self._pid = self._pid, 0
        with self._socket:
            try:
                socket.send_fds(self._socket, [b"\n"], [*descriptors.values()])
                self._socket.sendall(content.encode(errors="surrogateescape"))
            except OSError:
                pass  # it has ended, and its exit code says so
        os.close(self._unread)
        return pid

    def discard(self) -> None:
        """End it if it doesn't run ansible-playbook."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
            self._socket.close()
            os.close(self._unread)


def begin() -> EarlyStart:
    """Start the ansible-playbook beside this Python, which most runs use."""
    folder = os.path.dirname(sys.executable)  # noqa: PTH120
    program = os.path.join(folder, _PROGRAM)  # noqa: PTH118
    if not os.access(program, os.X_OK):
        return EarlyStart()
    return EarlyStart([sys.executable, _WRAPPER, program])


def utf8_locale(env: Mapping[str, str]) -> dict[str, str]:
    """Return variables that make the locale UTF-8 if it isn't: Ansible requires it."""
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    effective = next((env[name] for name in names if env.get(name)), "")
    if effective.lower().replace("-", "").endswith("utf8"):
        return {}
    return {"LC_ALL": "C.UTF-8"}


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether two commands are the same; python3 may be a link to python."""
    if len(one) != len(other) or [*one[1:]] != [*other[1:]]:
        return False
    return os.path.dirname(one[0]) == os.path.dirname(other[0]) and (  # noqa: PTH120
        os.path.samefile(one[0], other[0])  # noqa: PTH121
    )
