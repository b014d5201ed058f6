"""Attacks on the credentials with which the repositories of projects are fetched.

The projects aren't registered, as the services of `credential_attacks` aren't.
"""

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.system.attack_types import (
    INFRA,
    NO_PERMISSION,
    PYTHON,
    Check,
    run_as,
    sudo,
)
from tests.system.credential_attacks import (
    CANARY,
    CONFIG,
    PLACED,
    RUNNER,
    config,
    unless,
)
from tests.system.project_attacks import commit_of

_TOKEN, _KEY = "git-token:x", "git-ssh:x"
_PROOF = Path("/var/tmp/fastdeploy-proof")
_PATIENCE = 60
#: Prints what a user can read of the fetches of all users.
_READ = """\
import glob, os
for path in glob.glob("/proc/[0-9]*/fd/*"):
    try:
        if "fastdeploy-git" in os.readlink(path):
            print(open(path).read())
    except OSError:
        pass
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        print(open(path, errors="replace").read())
    except OSError:
        pass
"""


def by_git_credentials() -> Iterator[Check]:
    """Bringing, choosing and reading the credential of a repository."""
    checks = {
        ("fastdeploy", "brings a credential for a repository that names none"):
            unnamed,
        ("fastdeploy", "has a command of its own run for a git credential"): command,
        ("deploy-probe", "reads another deploy user's placed git credential"): placed,
        ("deploy-probe", "reads the token of another deploy user's fetch"): read_token,
        ("deploy-probe", "uses the ssh-agent of another deploy user's fetch"):
            use_agent,
    }  # fmt: skip
    for (user, what), attack in checks.items():
        yield Check(user, what, attack, "refused with the reason")


def unnamed() -> str:
    """Bring a token for the registered project, whose project.json names none."""
    commit = commit_of("/srv/infra", "main")
    with config({_TOKEN: {"value": CANARY}}, "infra/site@staging", commit=commit):
        done = run_as("fastdeploy", *sudo(INFRA, "--config", str(CONFIG)))
    return unless(f"does not use the credential '{_TOKEN}'", done)


def command() -> str:
    """Bring a command for the credential that a project.json names."""
    given = {_TOKEN: {"command": ["/usr/bin/touch", str(_PROOF)]}}
    with project("https://git.example.org/x", _TOKEN) as started, asking(given):
        done = subprocess.run(
            started, check=False, text=True, stdin=subprocess.DEVNULL, cwd="/",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        )  # fmt: skip
    if _PROOF.exists():
        _PROOF.unlink()
        return "the command was executed"
    return unless("FastDeploy's user may not choose what this user runs", done)


def placed() -> str:
    """Read the token of a repository that is placed for `deploy`."""
    folder = PLACED / "deploy"
    there = folder.exists()
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    shutil.chown(folder, group="deploy")
    path = folder / "git-token.x.json"
    try:
        path.touch(mode=0o600)
        shutil.chown(path, "deploy")
        path.write_text(json.dumps({"value": CANARY}))
        own, other = (run_as(user, "cat", str(path))
                      for user in ("deploy", "deploy-probe"))  # fmt: skip
    finally:
        path.unlink()
        if not there:
            folder.rmdir()
    if CANARY not in own.stdout:
        return "nothing, and neither does its own user"
    return unless(NO_PERMISSION.partition("|")[0], other)


def read_token() -> str:
    """Read the token while git talks to a server."""
    with (
        silent_server() as port,
        project(f"http://127.0.0.1:{port}/x.git", _TOKEN) as started,
        asking({_TOKEN: {"value": CANARY}}),
        fetching(started),
    ):
        deadline = time.monotonic() + _PATIENCE
        while CANARY not in _readable("deploy"):
            if time.monotonic() > deadline:
                return "nothing, and neither does its own user"
        other = _readable("deploy-probe")
    return "the token" if CANARY in other else ""


def use_agent() -> str:
    """Use the agent while ssh talks to a server."""
    with tempfile.TemporaryDirectory() as made:
        key = Path(made, "key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key],
                       check=True)  # fmt: skip
        given = {_KEY: {"private_key": key.read_text()}}
    with (
        silent_server() as port,
        project(f"ssh://git@127.0.0.1:{port}/x.git", _KEY) as started,
        asking(given),
        fetching(started),
    ):
        found = _agent()
        own, other = (
            run_as(user, "env", f"SSH_AUTH_SOCK={found}", "ssh-add", "-l")
            for user in ("deploy", "deploy-probe")
        )
    if own.returncode:
        return f"nothing, and neither does its own user: {own.stdout}"
    return unless("Permission denied", other)


@contextlib.contextmanager
def project(url: str, credential: str) -> Iterator[tuple[str, ...]]:
    """Make the folder of a project; yield the command that runs it as `deploy`."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        folder, data = Path(made, "attacked"), Path(made, "data")
        folder.mkdir(mode=0o755)
        data.mkdir(mode=0o700)
        shutil.chown(data, "deploy")
        content = {"git": url, "credential": credential}
        (folder / "project.json").write_text(json.dumps(content))
        yield ("runuser", "-u", "deploy", "--", PYTHON, "-I", "-c", RUNNER,
               "--project", str(folder), "--data", str(data),
               "--config", str(CONFIG))  # fmt: skip


def asking(given: dict[str, Any]) -> contextlib.AbstractContextManager[None]:
    """Write the config file of a run of a commit that has to be fetched."""
    return config(given, "attacked/site", commit="0" * 40)


@contextlib.contextmanager
def fetching(command: tuple[str, ...]) -> Iterator[None]:
    """Run a command until the end of the context."""
    started = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip
    try:
        yield
    finally:
        started.terminate()
        started.wait()


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Listen on a port, without ever answering."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _readable(user: str) -> str:
    """Return what a user can read of all processes."""
    return run_as(user, "python3", "-c", _READ).stdout


def _agent() -> Path:
    """Wait for the agent of a fetch; its key is loaded when its file is there."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        for found in Path("/tmp").glob("fastdeploy-git-*/agent"):
            if found.with_name("key.pub").exists():
                return found
        time.sleep(0.05)
    raise AssertionError("the fetch has no agent")
