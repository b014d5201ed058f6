"""What an attack is, how it is run, and the paths and refusals that attacks share."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RUNNERS = Path("/home/deploy/runners")
HELLO = f"{RUNNERS}/hello/deploy.py"
SITE = f"{RUNNERS}/static-site/deploy.py"
PYTHON = "/opt/fastdeploy/runner/bin/python"
STOP = "/opt/fastdeploy/bin/stop-run"
RUNS = "/var/lib/fastdeploy/runs"
INFRA = f"{RUNNERS}/infra/deploy.py"
KEPT = f"{RUNNERS}/kept/deploy.py"
LEAKY = f"{RUNNERS}/leaky/deploy.py"
KEY = Path("/etc/fastdeploy/age/deploy.key")
CONFIG = "/var/tmp/fastdeploy-1.json"
#: How sudo says no: to who has other rights, and to who would need a password.
NO_SUDO = r"not allowed to|a password is required|may not run sudo"
NO_PERMISSION = "Permission denied|Operation not permitted"
NO_ROUTE = "Permission denied|prohibited|unreachable|No route to host|not permitted"


@dataclass(frozen=True)
class Attack:
    """What one user tries, and how it has to be refused."""

    user: str
    what: str
    command: tuple[str, ...]
    refusal: str

    @property
    def name(self) -> str:
        """What docs/security.md calls it."""
        return f"{self.user} {self.what}"

    def refused(self) -> str:
        """The words of the refusal; empty if there were none."""
        done = run_as(self.user, *self.command)
        found = re.search(self.refusal, done.stdout)
        if done.returncode == 0 or not found:
            return ""
        return done.stdout[found.start() :].splitlines()[0]


@dataclass(frozen=True)
class Check:
    """An attack by several commands; `attack` returns what it got."""

    user: str
    what: str
    attack: Callable[[], str]
    refusal: str

    @property
    def name(self) -> str:
        """What docs/security.md calls it."""
        return f"{self.user} {self.what}"

    def refused(self) -> str:
        """What kept the attack from getting anything; empty if it got something."""
        got = self.attack()
        if got:
            say(f"         it got: {got}")
        return "" if got else self.refusal


def run_as(user: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a user, with both of its outputs together."""
    return subprocess.run(
        ["runuser", "-u", user, "--", *command], check=False, text=True, cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=120,
    )  # fmt: skip


def sudo(*words: str) -> tuple[str, ...]:
    """What FastDeploy calls to be the deploy user."""
    return ("sudo", "-n", "-u", "deploy", *words)


def say(line: str) -> None:
    """Print a line at once: who reads it waits for it."""
    print(line, flush=True)  # noqa: T201 - this is a program
