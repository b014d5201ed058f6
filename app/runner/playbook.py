"""Start ansible-playbook in a child process with the arguments of ansible-runner.

They are those of ansible-runner's `RunnerConfig` for the same folder. It isn't
imported, because that takes about a sixth of the CPU time until the first task.
"""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from .ansible_playbook import DESCRIPTORS, GO, TERMINAL
from .definition import Definition
from .early_start import EarlyStart
from .errors import RunnerError
from .processes import Process, child, fork


class Playbook:
    """The child process, which becomes ansible-playbook."""

    def __init__(self, pid: int, go: int) -> None:
        self.process: Process = child(pid)
        self._go = go

    def begin(self) -> None:
        """Let ansible-playbook begin."""
        # If the child has died, nobody reads.
        with suppress(BrokenPipeError), os.fdopen(self._go, "wb") as pipe:
            pipe.write(b"g")

    def abort(self) -> None:
        """Kill the child before ansible-playbook begins."""
        os.close(self._go)
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
    early: EarlyStart,
    inherited: Sequence[int] = (),
) -> Playbook:
    """Start the playbook in the service's folder, once `begin` is called.

    Call it before any thread is started: the child would inherit a thread's locks, but
    not the thread.

    Args:
        definition: The service.
        private: The private folder of the run.
        arguments: Further arguments of ansible-playbook.
        env: The whole environment of ansible-playbook.
        terminal: The descriptor that it prints to.
        plaintexts: The descriptor of the memory file for what it decrypts.
        recording: The command that runs it and records that; empty to run it alone.
        early: A process that may be importing Ansible already.
        inherited: Further descriptors that it inherits.
    """
    prepared = [
        *arguments,
        *determine_arguments(definition.playbook, definition.inventory, private),
    ]
    command = [*(recording or ["ansible-playbook"]), *prepared]
    held, go = os.pipe()
    if recording:
        # It waits itself, after it has loaded Ansible.
        env = {**env, GO: str(held)}
    descriptors = {TERMINAL: terminal} | {
        name: int(env[name]) for name in DESCRIPTORS if name in env
    }
    pid = early.take(recording, prepared, str(definition.folder), env, descriptors)
    if not pid and not (pid := fork()):
        passed = [plaintexts, held, *inherited] if recording else [*inherited]
        _become(command, definition.folder, env, terminal, held, passed)
    os.close(held)
    return Playbook(pid, go)


def determine_arguments(
    playbook: Path, inventory: Path | None, private: Path
) -> list[str]:
    """Return the arguments that ansible-runner's `RunnerConfig` determines."""
    given = private / "inventory"
    if inventory is None and given.exists():
        inventory = given
    named = [] if inventory is None else ["-i", str(inventory)]
    return [*named, "-e", f"@{private / 'env' / 'extravars'}", str(playbook)]


def find_program(env: Mapping[str, str]) -> Path:
    """Return the path of ansible-playbook.

    Raises:
        RunnerError: PATH has none.
    """
    found = shutil.which("ansible-playbook", path=env["PATH"])
    if found is None:
        raise RunnerError(
            f"There is no ansible-playbook beside {sys.executable} or in PATH: install "
            "ansible-core there."
        )
    return Path(found)


def missing(module: str | None) -> RunnerError:
    """Return the error for a module of ansible-runner that is not installed."""
    return RunnerError(
        f"{sys.executable} has no module {module}: install ansible-runner there."
    )


def _become(
    command: list[str],
    folder: Path,
    env: Mapping[str, str],
    terminal: int,
    held: int,
    passed: Collection[int],
) -> NoReturn:
    """Execute a command in a folder, once a byte arrives through `held`.

    A command that `held` is passed to is executed at once, and waits itself.
    `terminal` is the descriptor that it prints to, and `passed` are further ones that
    it gets. With plain pipes, reads don't time out and a prompt doesn't block.
    """
    try:
        with Path(os.devnull).open("rb") as stdin:
            os.dup2(stdin.fileno(), 0)
        os.dup2(terminal, 1)
        os.dup2(terminal, 2)
        # Close every other descriptor, including those inherited from our caller.
        _close_all_but({held, *passed})
        for descriptor in passed:
            os.set_inheritable(descriptor, True)
        os.chdir(folder)
        if held not in passed and not os.read(held, 1):
            os._exit(1)  # our parent has died, or aborts the run
        os.execvpe(command[0], command, env)  # noqa: S606 - on purpose
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
