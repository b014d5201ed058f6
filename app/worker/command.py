"""The command of a run, checked where this user can check it."""

import os
import shutil
import sys
from pathlib import Path

from app import accounts
from app.domain.run_identity import RunIdentity
from app.domain.service import Service
from app.errors import LaunchFailed
from app.settings import Settings

#: Maximum length of a script's first line that the kernel reads.
_MAX_FIRST_LINE = 256


def program(identity: RunIdentity, service: Service, settings: Settings) -> list[str]:
    """Return the command of a service's runs without the config file.

    `data` is the folder of the execution environments of this user's runs.

    Raises LaunchFailed if it can't be executed.
    """
    if identity.user:
        return _as_other_user(identity.user, identity.program)
    if service.playbook is not None:
        # -P: Python imports no module from the working directory.
        command = [sys.executable, "-P", "-m", "app.runner"]
        if service.project is None:
            return [*command, "--service", str(identity.folder)]
        project = settings.services.absolute() / service.name.partition("/")[0]
        data = settings.data
        return [
            *command, "--project", str(project), "--data", str(data),
            "--name", service.name,
        ]  # fmt: skip
    _require_executable(identity.program)
    return [str(identity.program)]


def _as_other_user(user: str, program: Path) -> list[str]:
    sudo = shutil.which("sudo")
    if sudo is None:
        raise LaunchFailed(f"sudo is not installed, and runs belong to user {user}")
    if accounts.account(user) is None:
        raise LaunchFailed(
            f"there is no user {user}; register the service on this host, "
            "or set FASTDEPLOY_RUN_AS to a user that exists"
        )
    # If this user may access the folder, the error is more specific than sudo's.
    if os.access(program.parent, os.X_OK):
        _require_executable(program)
    return [sudo, "-n", "-u", user, str(program)]


def _require_executable(program: Path) -> None:
    if not program.is_file():
        raise LaunchFailed(f"{program} is missing")
    if not os.access(program, os.X_OK):
        raise LaunchFailed(f"{program} is not executable; fix it with chmod +x")
    interpreter = _interpreter(program)
    if interpreter is not None and not Path(interpreter).is_file():
        # The kernel would report that the program itself doesn't exist.
        raise LaunchFailed(
            f"{program} wants the interpreter {interpreter!r}, which is missing"
        )


def _interpreter(program: Path) -> str | None:
    """Return the absolute interpreter in a script's first line; None if unknown."""
    try:
        with program.open("rb") as file:
            first = file.readline(_MAX_FIRST_LINE)
    except PermissionError:
        return None
    if not first.startswith(b"#!"):
        return None
    words = os.fsdecode(first[2:].rstrip(b"\n")).strip(" \t").split(" ", 1)
    return words[0] if words[0].startswith("/") else None
