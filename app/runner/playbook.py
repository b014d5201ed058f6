"""Start ansible-playbook in a child process that ansible-runner prepares.

ansible-runner needs more memory than the rest of this program, and only for a moment.
So only the child imports it, before it executes ansible-playbook.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from .definition import Definition
from .errors import RunnerError
from .processes import Process, child, fork


class Playbook:
    """The child process: it prepares the run, then executes ansible-playbook."""

    def __init__(self, pid: int, missing: int) -> None:
        self.process: Process = child(pid)
        self._missing = missing

    def wait_for_begin(self) -> None:
        """Wait until the child executes ansible-playbook or has died.

        Raises:
            RunnerError: ansible-runner is not installed.
        """
        with os.fdopen(self._missing, "rb") as pipe:
            if name := pipe.read():
                raise missing(name.decode())

    def wait(self) -> int:
        """Wait until it has ended; return its exit code, 128 + N after signal N."""
        _, status = os.waitpid(self.process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code


def start(
    definition: Definition,
    *,
    private: Path,
    arguments: Sequence[str],
    env: Mapping[str, str],
    terminal: int,
) -> Playbook:
    """Start the playbook in the service's folder.

    Call it before any thread is started: the child would inherit a thread's locks, but
    not the thread.

    Args:
        definition: The service.
        private: ansible-runner's private data folder.
        arguments: Further arguments of ansible-playbook.
        env: The whole environment of ansible-playbook.
        terminal: The descriptor that it prints to.
    """
    preparation = {
        "private_data_dir": str(private),
        "project_dir": str(definition.folder),
        "playbook": str(definition.playbook),
        "inventory": str(definition.inventory) if definition.inventory else None,
    }
    reader, writer = os.pipe()
    pid = fork()
    if not pid:
        _become(preparation, arguments, env, terminal, writer)
    os.close(writer)
    return Playbook(pid, reader)


def missing(module: str | None) -> RunnerError:
    """Return the error for a module of ansible-runner that is not installed."""
    return RunnerError(
        f"{sys.executable} has no module {module}: install ansible-runner there."
    )


def _become(
    preparation: Mapping[str, str | None],
    arguments: Sequence[str],
    env: Mapping[str, str],
    terminal: int,
    tell: int,
) -> NoReturn:
    """Let ansible-runner prepare the run and execute the command that it returns.

    The environment that it prepares is not used: it is the caller's whole environment,
    with ansible-runner's callback. Nor is its pseudo terminal: with plain pipes, reads
    don't time out and a prompt doesn't block.
    """
    try:
        with Path(os.devnull).open("rb") as stdin:
            os.dup2(stdin.fileno(), 0)
        os.dup2(terminal, 1)
        os.dup2(terminal, 2)
        # Close every other descriptor, including those inherited from our caller.
        os.closerange(3, tell)
        os.closerange(tell + 1, os.sysconf("SC_OPEN_MAX"))
        runner = importlib.import_module("ansible_runner.config.runner")
        config = runner.RunnerConfig(**preparation)
        config.prepare()
        os.chdir(config.cwd)
        program, *prepared = config.command
        command = [program, *arguments, *prepared]
        os.execvpe(program, command, env)  # noqa: S606 - on purpose
    except ModuleNotFoundError as error:
        os.write(tell, str(error.name).encode())
    except BaseException:  # noqa: BLE001 - no code of the parent may run in the child
        traceback.print_exc()
    finally:
        os._exit(1)
