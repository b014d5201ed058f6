"""The command `fastdeploy`, as a user runs it."""

import json
import os
import subprocess
import tempfile
from typing import Any

import pytest

from testing import tls_proxy
from testing.installation import Installation
from testing.preloaded import COMMAND, start
from testing.waiting import PATIENCE

#: For commands whose requests or responses a proxy may change: nginx and Caddy differ.
every_way = pytest.mark.parametrize(
    "either_way", ["host", *tls_proxy.NAMES], indirect=True
)


def command(
    made: Installation, *arguments: str, stdin: str = "", **env: str
) -> "subprocess.CompletedProcess[str]":
    """Run one of FastDeploy's commands to its end."""
    variables = os.environ | made.command_variables | env
    with (
        tempfile.TemporaryFile("w+") as given,
        tempfile.TemporaryFile("w+") as printed,
        tempfile.TemporaryFile("w+") as errors,
    ):
        given.write(stdin)
        given.seek(0)
        running = start([*COMMAND, *arguments], variables, (given, printed, errors))
        try:
            code = running.wait(PATIENCE)
        finally:
            running.kill()
        printed.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(
            arguments, code, printed.read(), errors.read()
        )


def command_on_host(
    made: Installation, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command on the host, also if the commands of the test use a server."""
    return command(made, *arguments, **made.variables, FASTDEPLOY_SERVER="")


def said(made: Installation, *words: str, stdin: str = "") -> str:
    """Return what a command prints that succeeds."""
    done = command(made, *words, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def listed(made: Installation, *words: str) -> Any:
    """Return what a command prints as JSON."""
    return json.loads(said(made, *words, "--json"))


def complete(made: Installation, typed: str, **env: str) -> list[str]:
    """Return what a shell completes at the end of `typed`."""
    words = typed.split()
    shell = {
        "_FASTDEPLOY_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - (not typed.endswith(" "))),
    }
    done = command(made, **shell, **env)
    assert done.stderr == ""
    return done.stdout.split()


def assert_refused(done: "subprocess.CompletedProcess[str]", sentence: str) -> None:
    """It failed with that sentence and nothing else."""
    assert done.returncode == 1
    assert f"fastdeploy: {sentence}\n" == done.stderr
    assert not done.stdout
