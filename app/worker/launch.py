"""Launch a run as a detached process, independent of the worker.

The disk space of `pid` and `rc` is allocated before the run starts, as `pid.new` and
`rc.new`, so that the outcome of a run that fills the disk is recorded too.
"""

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from app import accounts
from app.disk_space import FULL, explain, no_room
from app.domain.deployment import Deployment
from app.domain.run_identity import identify
from app.domain.service import Service
from app.errors import LaunchFailed
from app.runner.run_config import Events
from app.settings import Settings
from app.worker import command as run_command
from app.worker import wrapper
from app.worker.run import Run, run_of

#: The content of `pid.new` and `rc.new` that allocates their disk space: blank, so that
#: it doesn't change the value that overwrites its beginning.
_BLANK = b"\n" * 32


def launch(
    settings: Settings,
    deployment: Deployment,
    secret: dict[str, Any],
    credentials: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    known_hosts: str = "",
    owed_handlers: Mapping[str, Sequence[str]] = MappingProxyType({}),
    file_key: bytes = b"",
) -> int:
    """Start the run of a deployment; return the pid of the wrapper, a child process.

    Args:
        settings: The settings.
        deployment: The deployment.
        secret: The secret launch variables.
        credentials: The fields of each credential, by its reference.
        known_hosts: The accepted host keys as lines of a known_hosts file.
        owed_handlers: The names of the handlers to run first, by host.
        file_key: The key of the digests of files that the run changes.

    Raises:
        LaunchFailed: With the reason of the deployment's outcome.
    """
    run = run_of(settings, deployment.id)
    service = deployment.service
    identity = identify(service.name, service, settings.run_settings, accounts.home)
    program = run_command.program(identity, service, settings)
    try:
        _make_folder(run)
        config = _free_config_path(settings)
        command = [*program, "--config", str(config)]
        # Record the path of the config file before creating it, so that a crash in
        # between leaves no file behind.
        about = orjson.dumps({"config": str(config), "command": command})
        (run.folder / "run.json").write_bytes(about)
        for name in ("pid.new", "rc.new"):
            (run.folder / name).write_bytes(_BLANK)
    except OSError as error:
        raise LaunchFailed(explain(error, settings.runs)) from error
    try:
        content = _content(settings, deployment, secret, credentials, known_hosts)
        content |= _retried(deployment, owed_handlers)
        if file_key and service.playbook:
            content["file_key"] = file_key.hex()
        _write_config(config, content, identity.group)
    except FileExistsError as error:
        # The file isn't this run's. Without run.json, nothing will remove it.
        (run.folder / "run.json").unlink()
        raise LaunchFailed(f"{config}: {error.strerror}") from error
    except OSError as error:
        run.remove_config()
        if error.errno in FULL:
            raise LaunchFailed(no_room(config.parent)) from error
        raise LaunchFailed(f"{config}: {error.strerror}") from error
    except LookupError:
        run.remove_config()
        raise LaunchFailed(
            f"there is no group {identity.group}; register the service on this "
            "host, or set FASTDEPLOY_RUN_GROUP to a group that exists"
        ) from None
    try:
        script = service.playbook is None
        own = _own_environment(service)
        return wrapper.start(run, config, identity.folder, command, own, script=script)
    except OSError as error:
        run.remove_config()
        if error.errno in FULL:
            raise LaunchFailed(no_room(settings.runs)) from error
        raise LaunchFailed(f"the run can't be started: {error.strerror}") from error


def _make_folder(run: Run) -> None:
    """Create the run's folder, or reuse that of an incomplete launch."""
    run.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    run.folder.mkdir(exist_ok=True, mode=0o700)
    run.remove_config()


def _free_config_path(settings: Settings) -> Path:
    # The sudoers rules require digits; many, so that other users can't guess the name.
    return settings.config_folder / f"fastdeploy-{secrets.randbelow(10**18):018}.json"


def _content(
    settings: Settings,
    deployment: Deployment,
    secret: dict[str, Any],
    credentials: Mapping[str, Mapping[str, Any]],
    known_hosts: str,
) -> dict[str, Any]:
    """Return the content of the config file of a run."""
    service = deployment.service
    content: dict[str, Any] = {
        "deployment_id": deployment.id,
        "service_name": service.name,
        "deploy_script": f"{service.name}/{service.program}",
        "context": {
            "actor": deployment.actor,
            "origin": deployment.origin,
            "variables": _variables(deployment) | secret,
        },
        "secret_variables": sorted(secret),
        "environment": service.environment,
        "steps": [{"name": step.name} for step in service.steps],
    }
    if credentials:
        content["credentials"] = dict(credentials)
    if known_hosts and service.playbook:
        content["known_hosts"] = known_hosts
    if deployment.commit:
        content["commit"], content["ref"] = deployment.commit, deployment.ref
        content["repository_mebibytes"] = settings.repository_mebibytes
    if deployment.options.given:
        content["options"] = deployment.options.given
    # In the file, because sudo would remove it from the run's environment.
    if settings.events is not Events.FASTDEPLOY:
        content["events"] = settings.events
    return content


def _retried(
    deployment: Deployment, owed_handlers: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return what the config file of a retry on some hosts has in addition."""
    found: dict[str, Any] = {}
    if deployment.hosts is not None:
        found["hosts"] = list(deployment.hosts)
    if owed_handlers:
        found["owed_handlers"] = dict(owed_handlers)
    return found


def _write_config(path: Path, content: dict[str, Any], group: str) -> None:
    """Write the config file of a run with mode 0640; never overwrite a file.

    Raises FileExistsError, and LookupError if the group doesn't exist.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        if group:
            shutil.chown(path, group=group)
        os.fchmod(file.fileno(), 0o640)
        file.write(orjson.dumps(content))


def _variables(deployment: Deployment) -> dict[str, Any]:
    """Return the variables of the config file, without the secret ones.

    The runner reads the fixed variables of a playbook itself.
    """
    fixed = {} if deployment.service.playbook else deployment.service.fixed_variables
    return {**fixed, **deployment.variables}


def _own_environment(service: Service) -> Mapping[str, str]:
    """Return the variables that a service adds to the environment of its program.

    For a playbook, the runner is the program. It reads config.json itself, and passes
    `environment` only to ansible-playbook.
    """
    return {} if service.playbook else service.environment
