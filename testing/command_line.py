"""The command `fastdeploy`, as a user runs it."""

import os
import subprocess
import sys

from testing.installation import Installation
from testing.paths import ROOT
from testing.waiting import PATIENCE


def command(
    made: Installation, *arguments: str, stdin: str = "", **env: str
) -> "subprocess.CompletedProcess[str]":
    """Run one of FastDeploy's commands to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        env=os.environ | made.command_variables | env, cwd=ROOT, input=stdin, text=True,
        capture_output=True, check=False, timeout=PATIENCE,
    )  # fmt: skip


def command_on_host(
    made: Installation, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command on the host, also if the commands of the test use a server."""
    return command(made, *arguments, **made.variables, FASTDEPLOY_SERVER="")


def assert_refused(done: "subprocess.CompletedProcess[str]", sentence: str) -> None:
    """It failed with that sentence and nothing else."""
    assert done.returncode == 1
    assert f"fastdeploy: {sentence}\n" == done.stderr
    assert not done.stdout
