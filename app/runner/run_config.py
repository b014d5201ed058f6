"""Read the config file that FastDeploy wrote for this run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from . import mirror_size, options, retry_limits
from .definition import Definition, read_object
from .errors import RunnerError
from .git_source import BRANCHES, TAGS


class Events(StrEnum):
    """Which callback plugin sends a run's events."""

    #: FastDeploy's own.
    FASTDEPLOY = "fastdeploy"
    #: ansible-runner's: the output of a module can forge them.
    RUNNER = "runner"


@dataclass(frozen=True)
class RunConfig:
    """One deployment of a service."""

    deployment_id: int
    #: Launch variables, which the service's definition declares.
    variables: Mapping[str, Any]
    #: The values of the variables that FastDeploy listed as secret.
    secrets: tuple[Any, ...]
    #: The options of ansible-playbook, by name.
    options: Mapping[str, Any]
    events: Events
    #: The host keys that FastDeploy accepts, as lines of a known_hosts file.
    known_hosts: str = ""
    #: The hosts that a retry is limited to; None without a limit.
    hosts: tuple[str, ...] | None = None
    #: The names of the handlers to run first, by host.
    owed_handlers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: The key of the digests of files; empty to make none.
    file_key: bytes = b""


def read_launch(path: Path, definition: Definition) -> RunConfig:
    """Read the config file of a run of this service.

    Raises:
        RunnerError: The file is invalid, belongs to another service, names an unknown
            kind of events, or sets a variable or an option that the definition doesn't
            allow: an extra variable overrides everything in Ansible,
            `ansible_connection` too.
    """
    content = read_object(path)
    deployment_id = content.get("deployment_id")
    if isinstance(deployment_id, bool) or not isinstance(deployment_id, int):
        raise RunnerError(
            f'"deployment_id" in {path} must be a whole number: correct it.'
        )
    if content.get("service_name") != definition.name:
        raise RunnerError(
            f'"service_name" in {path} must be "{definition.name}", the service in '
            f"{definition.folder}: launch the service that was registered."
        )
    context = content.get("context", {})
    variables = context.get("variables", {}) if isinstance(context, dict) else None
    if not isinstance(variables, dict):
        raise RunnerError(
            f'"context.variables" in {path} must be an object: correct it.'
        )
    if unknown := sorted(set(variables) - set(definition.properties)):
        raise RunnerError(
            f"{definition.name} has no launch variable {unknown[0]!r}: use one of "
            f"{', '.join(sorted(definition.properties)) or 'none'}, or name it under "
            f'"variables" in {definition.file}.'
        )
    return RunConfig(
        deployment_id,
        variables,
        _secrets(content, variables, path),
        _options(content, definition, path),
        _events(content, path),
        _known_hosts(content, path),
        retry_limits.read_hosts(content, path),
        retry_limits.read_owed_handlers(content, path),
        _file_key(content, path),
    )


def read_name(path: Path) -> str:
    """Return the name of the service that the config file of a run names.

    Raises:
        RunnerError: The file is invalid.
    """
    name = read_object(path).get("service_name")
    if not isinstance(name, str):
        raise RunnerError(f'"service_name" in {path} must be a text: correct it.')
    return name


def read_revision(path: Path) -> tuple[str, str]:
    """Return the commit and the ref that the config file of a run names.

    Both are empty without a git repository; the ref is empty if a commit was chosen.

    Raises:
        RunnerError: The file is invalid.
    """
    content = read_object(path)
    commit, ref = content.get("commit", ""), content.get("ref", "")
    if not isinstance(commit, str) or not isinstance(ref, str):
        raise RunnerError(f'"commit" and "ref" in {path} must be texts: correct them.')
    if ref and not ref.startswith((BRANCHES, TAGS)):
        raise RunnerError(
            f'"ref" in {path} must be the full name of a branch or tag, such as '
            f"{BRANCHES}main: correct it."
        )
    return commit, ref


def read_known_hosts(path: Path) -> str:
    """Return the host keys that the config file of a run has, as known_hosts lines.

    Raises:
        RunnerError: The file is invalid.
    """
    return _known_hosts(read_object(path), path)


def read_max_mebibytes(path: Path) -> int:
    """Return the maximum size of a mirror in MiB that the config file of a run has.

    Raises:
        RunnerError: The file is invalid.
    """
    limit = read_object(path).get("repository_mebibytes", mirror_size.DEFAULT)
    if type(limit) is not int or limit < 1:
        raise RunnerError(
            f'"repository_mebibytes" in {path} must be a positive number: correct it.'
        )
    return limit


def _secrets(
    content: Mapping[str, Any], variables: Mapping[str, Any], path: Path
) -> tuple[Any, ...]:
    names = content.get("secret_variables", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RunnerError(f'"secret_variables" in {path} must be a list of names.')
    return tuple(variables[name] for name in names if name in variables)


def _options(
    content: Mapping[str, Any], definition: Definition, path: Path
) -> Mapping[str, Any]:
    """Return the options of the run: those of the launch where the service allows it.

    An option that the launch doesn't set has the default of ansible-playbook if the
    launch may set it, and the service's default otherwise.
    """
    values = content.get("options", {})
    if not isinstance(values, dict):
        raise RunnerError(f'"options" in {path} must be an object: correct it.')
    defaults = definition.option_defaults
    for name, value in values.items():
        if name not in definition.options and value != defaults.get(name):
            raise RunnerError(
                f"{definition.name} does not allow the option {name!r}: name it under "
                f'"options" in {definition.file}.'
            )
        if problem := options.find_problem(name, value):
            raise RunnerError(f'"options" in {path}: {name} {problem}.')
    fixed = {
        name: value
        for name, value in defaults.items()
        if name not in definition.options
    }
    # The hosts of a retry are some of those that the limit had selected.
    limit = {"limit": ""} if content.get("hosts") is not None else {}
    return {**fixed, **values, **limit}


def _events(content: Mapping[str, Any], path: Path) -> Events:
    try:
        return Events(content.get("events", Events.FASTDEPLOY))
    except ValueError:
        raise RunnerError(
            f'"events" in {path} must be one of {", ".join(Events)}: correct '
            "FASTDEPLOY_EVENTS, and restart the worker."
        ) from None


def _file_key(content: Mapping[str, Any], path: Path) -> bytes:
    try:
        return bytes.fromhex(content.get("file_key", ""))
    except (TypeError, ValueError):
        raise RunnerError(
            f'"file_key" in {path} must be hexadecimal digits: correct it.'
        ) from None


def _known_hosts(content: Mapping[str, Any], path: Path) -> str:
    lines = content.get("known_hosts", "")
    if not isinstance(lines, str):
        raise RunnerError(f'"known_hosts" in {path} must be a text: correct it.')
    return lines
