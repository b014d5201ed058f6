"""Start runs, cancel them, and check the processes that are left."""

import subprocess
import sys
from pathlib import Path

import psutil

from app.domain.deployment import Deployment, Status
from app.queue import make_queue
from app.usecases.cancel import cancel as request_cancel
from testing.installation import ACTOR, Installation
from testing.paths import ROOT
from testing.processes import Process, living
from testing.waiting import eventually

#: The reason of a deployment that `cancel` canceled.
CANCELED = f"canceled by {ACTOR.name}"


def start_script(made: Installation, name: str, script: str, **config: object) -> int:
    """Launch a script, wait for its first output, and return the deployment's id."""
    made.write_service(name, script, **config)
    number = made.launch(name)
    eventually(lambda: made.output(number))
    return number


def release(made: Installation, name: str = "numbered") -> None:
    """Create the file `go` for which the runs of a service wait."""
    (made.services / name / "go").touch()


def cancel(made: Installation, number: int) -> None:
    """Request the cancellation of a deployment."""
    request_cancel(made.store, make_queue(made.settings), ACTOR, number)


def left(made: Installation, number: int) -> list[str]:
    """Return the command lines of the running processes with the variable of a run."""
    mark = str(made.run_folder(number))
    words: list[str] = []

    def belongs(process: psutil.Process) -> bool:
        if process.environ().get("FASTDEPLOY_RUN") != mark:
            return False
        words.append(" ".join(process.cmdline()))
        return True

    living(belongs)
    return words


def canceled(made: Installation, number: int) -> Deployment:
    """Wait until a deployment is canceled and check that no process of it is left."""
    ended = made.ended(number)
    assert left(made, number) == []
    assert (ended.status, ended.reason) == (Status.CANCELED, CANCELED)
    assert list(made.config_folder.iterdir()) == []
    return ended


def worker_that_cancels(made: Installation, script: str) -> Process:
    """Return a worker that has sent the first signal to deployment 1.

    The script prints `told` when it receives a signal. Its service is `signaled`.
    """
    worker = made.worker()
    number = start_script(made, "signaled", script)
    cancel(made, number)
    eventually(lambda: b"told" in made.output(number))
    return worker


def stop(folder: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """Run the program that the stop helper calls."""
    return subprocess.run(
        [sys.executable, "-m", "app.runner.stop", folder, command],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
