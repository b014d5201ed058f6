"""Start FastDeploy's commands by forking a process that has imported their modules.

Importing them takes one to two seconds of processor time, and the tests start hundreds
of commands. A forked command is a process of its own, with its own arguments,
environment and files; `ps` shows it as `python -m testing.preloaded`. It ends as any
other, except that Python doesn't free its objects: that would copy the memory that it
shares with the process from which it was forked.

`python -m testing.preloaded FOLDER` serves the socket that is its standard input, and
keeps compiled templates in the folder. For each request it forks a parent, which forks
the command and waits for it, and which sends its number and then its exit code, a line
each.
"""

import atexit
import functools
import gc
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import jinja2

from app.cli import COMMANDS
from app.settings import PREFIX
from testing.paths import ROOT

#: A command of FastDeploy begins with this.
COMMAND = [sys.executable, "-m", "app"]
#: What the commands import later than at their start.
MODULES = (
    "anyio._backends._asyncio", "app.bootstrap.api", "app.bootstrap.web",
    "app.bootstrap.worker", "app.cli.local_api", "app.dev_server", "encodings.idna",
    "httpcore", "procrastinate.builtin_tasks",
)  # fmt: skip
#: Variables, beside FastDeploy's own, that no module reads while it is imported.
_READ_LATER = frozenset({
    "COMP_CWORD", "COMP_WORDS", "HOME", "SSL_CERT_FILE", "XDG_CONFIG_HOME",
    "_FASTDEPLOY_COMPLETE",
})  # fmt: skip


class ForkedCommand:
    """A command that was started by forking, as `subprocess.Popen` of it."""

    def __init__(
        self, arguments: Sequence[str], env: Mapping[str, str], files: tuple[int, ...]
    ) -> None:
        """Start it in a session of its own, with its three standard files."""
        self._connection, theirs = socket.socketpair()
        self._answers = self._connection.makefile("r")
        with theirs:
            socket.send_fds(_server(), [b"."], [theirs.fileno(), *files])
        self._connection.sendall(json.dumps([list(arguments), dict(env)]).encode())
        self._connection.shutdown(socket.SHUT_WR)
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            return self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code.

        Raises:
            subprocess.TimeoutExpired: It runs after `timeout` seconds.
        """
        if self.returncode is not None:
            return self.returncode
        if not select.select([self._connection], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(f"command {self.pid}", timeout or 0)
        return self._end()

    def terminate(self) -> None:
        """Send SIGTERM if it runs."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL if it runs."""
        self._send(signal.SIGKILL)

    def __del__(self) -> None:
        """Close the connection of a command whose end nobody has waited for."""
        self._close()

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            # Its parent may have taken its exit code since.
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _end(self) -> int:
        self.returncode = int(self._answers.readline())
        self._close()
        return self.returncode

    def _close(self) -> None:
        self._answers.close()
        self._connection.close()


def start(
    command: Sequence[str],
    env: Mapping[str, str],
    files: tuple[IO[Any], IO[Any], IO[Any]],
    cwd: Path = ROOT,
) -> "ForkedCommand | subprocess.Popen[bytes]":
    """Start a process in a session of its own, with its three standard files.

    A command of FastDeploy is forked if it then does what a new process would do.
    """
    if list(command[:3]) == COMMAND and cwd == ROOT and _can_fork(env):
        stdin, stdout, stderr = (file.fileno() for file in files)
        return ForkedCommand(command[3:], env, (stdin, stdout, stderr))
    return subprocess.Popen(
        command, env=env, cwd=cwd, stdin=files[0], stdout=files[1], stderr=files[2],
        start_new_session=True,
    )  # fmt: skip


def _can_fork(env: Mapping[str, str]) -> bool:
    """Return whether `env` changes only variables that are read after the imports."""
    changed = {name for name, _ in env.items() ^ os.environ.items()}
    return all(
        name.startswith(PREFIX) or name in _READ_LATER for name in changed
    ) and not any(name.startswith("COVERAGE_PROCESS") for name in env)


@functools.cache
def _server() -> socket.socket:
    """Start the process with the modules; return the socket for requests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    templates = tempfile.mkdtemp(prefix="fastdeploy-templates-")
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "testing.preloaded", templates],
            stdin=theirs.fileno(), cwd=ROOT, start_new_session=True,
        )  # fmt: skip

    def stop() -> None:
        ours.close()
        process.wait()
        shutil.rmtree(templates)

    atexit.register(stop)
    return ours


def _serve(requests: socket.socket) -> list[str]:
    """Fork a command for each request; return its arguments in the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        _, passed, _, _ = socket.recv_fds(requests, 1, 4)
        if not passed:
            sys.exit()
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _become_command(*passed)
        for number in passed:
            os.close(number)


def _become_command(connection: int, *files: int) -> list[str]:
    """Fork the command, and return its arguments there; the parent waits for it."""
    with socket.socket(fileno=connection) as answers:
        with answers.makefile("r") as sent:
            arguments, env = json.load(sent)
        pid = os.fork()
        if pid:
            for file in files:
                os.close(file)
            answers.sendall(f"{pid}\n".encode())
            _, status = os.waitpid(pid, 0)
            answers.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os._exit(0)
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    return list(arguments)


def main() -> None:
    """Import the modules, serve requests, and be the command in each child."""
    commands = (f"app.cli.{entry.module}" for entry in COMMANDS.values())
    for module in (*commands, *MODULES):
        import_module(module)
    _share_compiled_templates(sys.argv[1])
    gc.freeze()
    with socket.socket(fileno=os.dup(0)) as requests:
        sys.argv[1:] = _serve(requests)
    try:
        runpy.run_module("app", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if isinstance(ended.code, int | None):
            _exit(ended.code or 0)
        raise
    _exit(0)


def _share_compiled_templates(folder: str) -> None:
    """Keep compiled templates in a folder.

    Otherwise each web process compiles the templates of its pages, which takes longer
    than rendering them.
    """
    cache = jinja2.FileSystemBytecodeCache(folder)
    jinja2.Environment = functools.partial(  # type: ignore[misc,assignment]
        jinja2.Environment, bytecode_cache=cache
    )


def _exit(code: int) -> None:
    """Do what Python does at the exit, except for freeing the objects."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
