"""Attacks on the credentials of runs; they make what they need, and remove it.

Services that are made for this aren't registered: FastDeploy's user is given more than
a sudo rule would allow it, the runner itself as `deploy` with any service.
"""

import contextlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.system.attack_types import (
    NO_PERMISSION,
    PYTHON,
    SITE,
    Attack,
    Check,
    run_as,
    sudo,
)

PLACED = Path("/etc/fastdeploy/credentials")
CONFIG = Path("/var/tmp/fastdeploy-2.json")
CANARY = "canary-placed-credential"
#: The runner with the service in a folder, as any registered program calls it.
RUNNER = """\
import sys
sys.path.insert(0, "/opt/fastdeploy/lib")
from app.runner.__main__ import main
sys.exit(main())
"""
_WAIT = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.wait_for:
        path: /run/never
        timeout: 60
"""


def by_credentials() -> Iterator[Attack | Check]:
    """Bringing, reading and replacing credentials."""
    checks = {
        ("fastdeploy", "brings a credential that the service does not declare"):
            undeclared,
        ("fastdeploy", "has a command of its own run for a credential"): command,
        ("fastdeploy", "gets a run the credential of another deploy user"): of_another,
        ("fastdeploy", "loads a library by a token"): library,
        ("deploy", "reads a file through a link in the place of a credential"): linked,
        ("fastdeploy", "reads a placed credential"): lambda: read("fastdeploy"),
        ("deploy-probe", "reads another deploy user's placed credential"):
            lambda: read("deploy-probe"),
        ("fastdeploy", "puts something else in the place of a credential"):
            lambda: replace("fastdeploy"),
        ("deploy", "puts something else in the place of a credential"):
            lambda: replace("deploy"),
        ("deploy-probe", "uses the ssh-agent of another deploy user's run"): use_agent,
    }  # fmt: skip
    for (user, what), attack in checks.items():
        yield Check(user, what, attack, "refused with the reason")


def undeclared() -> str:
    """Bring a credential for a service that was registered without any."""
    name = Path(SITE).parent.name
    with config({"become:x": {"password": CANARY}}, name):
        done = run_as("fastdeploy", *sudo(SITE, "--config", str(CONFIG)))
    return unless("does not use the credential 'become:x'", done)


def command() -> str:
    """Bring a command for a credential that the service declares."""
    proof = Path("/var/tmp/fastdeploy-proof")
    given = {"become:x": {"command": ["/usr/bin/touch", str(proof)]}}
    with service(["become:x"]) as folder, config(given):
        done = run(folder)
    if proof.exists():
        proof.unlink()
        return "the command was executed"
    return unless("FastDeploy's user may not choose what this user runs", done)


def of_another() -> str:
    """Run a service of one user that declares what is placed for another one."""
    with placed("deploy-probe"), service(["become:x"]) as folder, config({}):
        return unless("needs the credential become:x", run(folder))


def library() -> str:
    """Declare a token that makes every program load a library."""
    given = {"token:ld-preload": {"value": "/tmp/evil.so"}}
    with service(["token:ld-preload"]) as folder, config(given):
        return unless("LD_PRELOAD changes how programs load code", run(folder))


def linked() -> str:
    """Put a link to another file in the place of a credential."""
    with placed("deploy") as path, service(["become:x"]) as folder, config({}):
        target = path.with_name("target")
        path.rename(target)
        path.symlink_to(target)
        return unless("is a link: put the file itself there", run(folder))


def read(user: str) -> str:
    """Read a placed credential of `deploy`."""
    with placed("deploy") as path:
        found = run_as(user, "cat", str(path))
    return unless(NO_PERMISSION.partition("|")[0], found)


def replace(user: str) -> str:
    """Move a placed credential of `deploy` away."""
    with placed("deploy") as path:
        moved = run_as(user, "mv", "-T", str(path), f"{path}.old")
        return "" if moved.returncode and path.exists() else "it was moved"


def use_agent() -> str:
    """Use the agent of a run of `deploy`; returns the keys that it has."""
    with service(["ssh:x"], _WAIT) as folder:
        key = folder.parent / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key],
                       check=True)  # fmt: skip
        with config({"ssh:x": {"private_key": key.read_text()}}):
            started = subprocess.Popen(
                runner(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            try:
                socket = agent_of_run(started)
                own, other = (
                    run_as(user, "env", f"SSH_AUTH_SOCK={socket}", "ssh-add", "-l")
                    for user in ("deploy", "deploy-probe")
                )
            finally:
                started.terminate()
                started.communicate()
    if own.returncode:
        return f"nothing, and neither does its own user: {own.stdout}"
    return unless("Permission denied", other)


def agent_of_run(started: "subprocess.Popen[bytes]") -> Path:
    """Wait for the agent of a run; its key is loaded soon after."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and started.poll() is None:
        for socket in Path("/tmp").glob("fastdeploy-run-*/ssh/agent"):
            if socket.with_name("0.pub").exists():
                return socket
        time.sleep(0.05)
    raise AssertionError("the run has no agent")


def unless(refusal: str, done: "subprocess.CompletedProcess[str]") -> str:
    """Return what a command printed, unless it was refused with these words."""
    if refusal in done.stdout and CANARY not in done.stdout and done.returncode:
        return ""
    return done.stdout or "nothing, and no refusal either"


def runner(folder: Path) -> tuple[str, ...]:
    """Return the command that runs a service as `deploy`."""
    return ("runuser", "-u", "deploy", "--", PYTHON, "-I", "-c", RUNNER,
            "--service", str(folder), "--config", str(CONFIG))  # fmt: skip


def run(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a service as `deploy`."""
    return subprocess.run(
        runner(folder), check=False, text=True, cwd="/", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
    )  # fmt: skip


@contextlib.contextmanager
def service(credentials: list[str], playbook: str = "[]\n") -> Iterator[Path]:
    """Make the folder of a service that declares credentials."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, "attacked")
        folder.mkdir(mode=0o755)
        folder.parent.chmod(0o755)
        content = {"playbook": "deploy.yml", "credentials": credentials}
        (folder / "config.json").write_text(json.dumps(content))
        (folder / "deploy.yml").write_text(playbook)
        yield folder


@contextlib.contextmanager
def config(
    credentials: dict[str, Any], name: str = "attacked", **more: str
) -> Iterator[None]:
    """Write the config file of a run, as FastDeploy's user."""
    content = {"deployment_id": 1, "service_name": name, "credentials": credentials,
               **more}  # fmt: skip
    write = 'printf %s "$1" >"$2" && chmod 644 "$2"'
    run_as("fastdeploy", "sh", "-c", write, "sh", json.dumps(content), str(CONFIG))
    try:
        yield
    finally:
        CONFIG.unlink(missing_ok=True)


@contextlib.contextmanager
def placed(user: str) -> Iterator[Path]:
    """Place a credential for a user, as the role does."""
    folder = PLACED / user
    there = folder.exists()
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    shutil.chown(folder, group=user)
    path = folder / "become.x.json"
    path.touch(mode=0o600)
    shutil.chown(path, user)
    path.write_text(json.dumps({"password": CANARY}))
    try:
        yield path
    finally:
        for name in ("become.x.json", "target"):
            (folder / name).unlink(missing_ok=True)
        if not there:
            folder.rmdir()
