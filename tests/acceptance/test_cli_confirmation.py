"""The command line asks before it launches a service with `confirm`."""

import os
import pty
import subprocess
import sys

from testing.command_line import assert_refused, command
from testing.installation import Installation
from testing.paths import ROOT
from testing.waiting import PATIENCE

SCRIPT = "#!/bin/sh\n"


def answer(made: Installation, typed: str, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal and type; return its exit code and what it shows."""
    terminal, inner = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        env=os.environ | made.command_variables, cwd=ROOT, stdin=inner, stdout=inner,
        stderr=inner,
    ) as process:  # fmt: skip
        os.close(inner)
        os.write(terminal, typed.encode())
        shown = b""
        try:
            while piece := os.read(terminal, 4096):
                shown += piece
        except OSError:
            pass  # Linux reports the end of a terminal like this.
        os.close(terminal)
        return process.wait(PATIENCE), shown.decode()


def test_a_launch_is_asked_for_on_a_terminal(fastdeploy: Installation) -> None:
    fastdeploy.write_service("production", SCRIPT, confirm=True)

    refused, said = answer(fastdeploy, "n\n", "deploy", "production")
    launched, shown = answer(fastdeploy, "y\n", "deploy", "production")

    assert 1 == refused
    assert "Launch production? [y/N]" in said
    assert "Nothing was launched." in said
    assert 0 == launched
    assert "of production is queued" in shown


def test_without_a_terminal_it_takes_an_option(fastdeploy: Installation) -> None:
    fastdeploy.write_service("live", SCRIPT, confirm=True)

    refused = command(fastdeploy, "deploy", "live")
    launched = command(fastdeploy, "deploy", "live", "--yes", "--follow")
    number = launched.stdout.split()[1]
    retried = command(fastdeploy, "deployment", "retry", number)

    assert_refused(
        refused,
        "a launch of live has to be confirmed, and there is no terminal to ask on: "
        "check what it does, and add --yes",
    )
    assert 0 == launched.returncode
    assert 1 == retried.returncode
    assert "add --yes" in retried.stderr
    assert 0 == command(fastdeploy, "deployment", "retry", number, "--yes").returncode
