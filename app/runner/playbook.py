"""The playbook run itself: a child that ansible-runner prepares, then ansible-playbook.

ansible-runner needs more memory than the rest of this program, and only for a moment.
So it is imported in the child alone, which then becomes ansible-playbook.
"""

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from .definition import Definition
from .errors import RunnerError
from .processes import Process, child

#: Ours, or ignored by Python; ansible-playbook is to find them as they usually are.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE,
            signal.SIGXFSZ)  # fmt: skip


class Playbook:
    """ansible-playbook, and at first the child that prepares it."""

    def __init__(self, pid: int, missing: int) -> None:
        self.process: Process = child(pid)
        self._missing = missing

    def wait_for_begin(self) -> None:
        """Return when the child has become ansible-playbook, or has died.

        Raises Refused if ansible-runner is not installed.
        """
        with os.fdopen(self._missing, "rb") as pipe:
            if name := pipe.read():
                raise missing(name.decode())

    def wait(self) -> int:
        """Return its exit code once it has ended. A death by signal N is 128 + N."""
        _, status = os.waitpid(self.process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code


def start(
    definition: Definition,
    *,
    private: Path,
    env: Mapping[str, str],
    terminal: int,
) -> Playbook:
    """Start the playbook in its folder, with just this environment.

    `private` is ansible-runner's private data folder; `terminal` is what is printed to.
    No thread may have been started: the child would have its locks, but not the thread.
    """
    preparation = {
        "private_data_dir": str(private),
        "project_dir": str(definition.folder),
        "playbook": str(definition.playbook),
        "inventory": str(definition.inventory) if definition.inventory else None,
    }
    told, tell = os.pipe()
    # A signal to the child must not ring our watchdog, which hears it through handlers.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    pid = os.fork()
    if not pid:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _become(preparation, env, terminal, tell)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(tell)
    return Playbook(pid, told)


def missing(module: str | None) -> RunnerError:
    """Say that a module of ansible-runner's is not there."""
    return RunnerError(
        f"{sys.executable} has no module {module}: install ansible-runner there."
    )


def _become(
    preparation: Mapping[str, str | None],
    env: Mapping[str, str],
    terminal: int,
    tell: int,
) -> NoReturn:
    """Let ansible-runner prepare the run, and go on as what it says.

    Of what it prepares, its environment is left out: that is the caller's whole one,
    with its own callback. Nor is there a pseudo terminal: plain pipes neither time out
    nor let a prompt wait for ever.
    """
    try:
        with Path(os.devnull).open("rb") as stdin:
            os.dup2(stdin.fileno(), 0)
        os.dup2(terminal, 1)
        os.dup2(terminal, 2)
        # No other descriptor goes on, also none that our caller has left to us.
        os.closerange(3, tell)
        os.closerange(tell + 1, os.sysconf("SC_OPEN_MAX"))
        runner = importlib.import_module("ansible_runner.config.runner")
        config = runner.RunnerConfig(**preparation)
        config.prepare()
        os.chdir(config.cwd)
        os.execvpe(config.command[0], config.command, env)  # noqa: S606 - on purpose
    except ModuleNotFoundError as error:
        os.write(tell, str(error.name).encode())
    except BaseException:  # noqa: BLE001 - nothing of our parent's code may go on here
        traceback.print_exc()
    finally:
        os._exit(1)
