"""Start ansible-playbook in a child process that ansible-runner prepares.

ansible-runner needs more memory than the rest of this program, and only for a moment.
So only the child imports it, before it executes ansible-playbook.
"""

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from .ansible_playbook import GO
from .definition import Definition
from .errors import RunnerError
from .processes import Process, child, fork


class Playbook:
    """The child process: it prepares the run, then becomes ansible-playbook."""

    def __init__(self, pid: int, missing: int, go: int) -> None:
        self.process: Process = child(pid)
        self._missing = missing
        self._go = go

    def begin(self) -> None:
        """Let ansible-playbook begin; wait until the child is it, or has died.

        Raises:
            RunnerError: ansible-runner is not installed.
        """
        # If the child has died, nobody reads.
        with suppress(BrokenPipeError), os.fdopen(self._go, "wb") as pipe:
            pipe.write(b"g")
        with os.fdopen(self._missing, "rb") as pipe:
            if name := pipe.read():
                raise missing(name.decode())

    def abort(self) -> None:
        """Kill the child before ansible-playbook begins."""
        os.close(self._go)
        os.close(self._missing)
        self.process.send(signal.SIGKILL)
        self.wait()

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
    plaintexts: int,
    recording: Sequence[str],
) -> Playbook:
    """Start the playbook in the service's folder, once `begin` is called.

    Call it before any thread is started: the child would inherit a thread's locks, but
    not the thread.

    Args:
        definition: The service.
        private: ansible-runner's private data folder.
        arguments: Further arguments of ansible-playbook.
        env: The whole environment of ansible-playbook.
        terminal: The descriptor that it prints to.
        plaintexts: The descriptor of the memory file for what it decrypts.
        recording: The command that runs it and records that; empty to run it alone.
    """
    preparation = {
        "private_data_dir": str(private),
        "project_dir": str(definition.folder),
        "playbook": str(definition.playbook),
        "inventory": str(definition.inventory) if definition.inventory else None,
    }
    reader, writer = os.pipe()
    held, go = os.pipe()
    pid = fork()
    if not pid:
        descriptors = (terminal, plaintexts, writer, held)
        _become(preparation, [*recording], arguments, env, descriptors)
    os.close(writer)
    os.close(held)
    return Playbook(pid, reader, go)


def missing(module: str | None) -> RunnerError:
    """Return the error for a module of ansible-runner that is not installed."""
    return RunnerError(
        f"{sys.executable} has no module {module}: install ansible-runner there."
    )


def _become(
    preparation: Mapping[str, str | None],
    recording: Sequence[str],
    arguments: Sequence[str],
    env: Mapping[str, str],
    descriptors: tuple[int, int, int, int],
) -> NoReturn:
    """Let ansible-runner prepare the run and execute the command that it returns.

    `descriptors` are those that it prints to, for what is decrypted, that it names a
    missing module on, and that it waits for before ansible-playbook begins.

    The environment that it prepares is not used: it is the caller's whole environment,
    with ansible-runner's callback. Nor is its pseudo terminal: with plain pipes, reads
    don't time out and a prompt doesn't block.
    """
    terminal, plaintexts, tell, held = descriptors
    try:
        with Path(os.devnull).open("rb") as stdin:
            os.dup2(stdin.fileno(), 0)
        os.dup2(terminal, 1)
        os.dup2(terminal, 2)
        # Close every other descriptor, including those inherited from our caller.
        _close_all_but({plaintexts, tell, held})
        for descriptor in (plaintexts, held):
            os.set_inheritable(descriptor, bool(recording))
        runner = importlib.import_module("ansible_runner.config.runner")
        config = runner.RunnerConfig(**preparation)
        config.prepare()
        os.chdir(config.cwd)
        program, *prepared = config.command
        command = [*(recording or [program]), *arguments, *prepared]
        # A program that records waits itself, after it has loaded Ansible.
        if not recording and not os.read(held, 1):
            os._exit(1)  # our parent has died, or aborts the run
        full = {**env, GO: str(held)} if recording else env
        os.execvpe(command[0], command, full)  # noqa: S606 - on purpose
    except ModuleNotFoundError as error:
        os.write(tell, str(error.name).encode())
    except BaseException:  # noqa: BLE001 - no code of the parent may run in the child
        traceback.print_exc()
    finally:
        os._exit(1)


def _close_all_but(kept: Collection[int]) -> None:
    """Close the descriptors above the standard ones, except some."""
    first = 3
    for descriptor in sorted(kept):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))
