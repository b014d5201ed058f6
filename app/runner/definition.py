"""Read what to run from the service's config.json, which only its owner can write."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import (
    credential_references,
    environment,
    file_history_settings,
    options,
    speed_settings,
)
from .errors import RunnerError
from .file_history_settings import EVERY_FILE, FileHistorySettings
from .service_files import locate
from .speed_settings import DEFAULT, SpeedSettings

if TYPE_CHECKING:
    from .execution_environment import Requirements


#: Why the deploy user runs no script of a project: the script would believe the
#: variables of the environment in the config file, which FastDeploy's user writes.
SCRIPT_IN_PROJECT = (
    "{} is a script, and scripts of a project don't run as another user: call it in a "
    "playbook, or register it as a service of its own."
)


@dataclass(frozen=True)
class Definition:
    """A playbook service. Its paths are resolved and lie inside its folder."""

    #: The file that defines it, as a sentence names it: "…/config.json", or
    #: "fastdeploy.yml, line 7".
    file: str
    name: str
    folder: Path
    playbook: Path
    #: None: the inventory of ansible.cfg, or else this host with a local connection.
    inventory: Path | None
    #: Files with extra variables, encrypted by SOPS.
    sops_files: tuple[Path, ...]
    #: JSON Schema of each launch variable, by name.
    properties: Mapping[str, Any]
    #: Variables of every run, by name.
    fixed_variables: Mapping[str, Any]
    #: The options of ansible-playbook that a launch may set.
    options: frozenset[str]
    #: Options of every run, by name.
    option_defaults: Mapping[str, Any]
    #: Environment variables of the run.
    environment: Mapping[str, str]
    #: Seconds; None: no timeout.
    timeout: float | None
    #: The credentials that a run uses, as `kind:name`.
    credentials: tuple[str, ...] = ()
    #: What FastDeploy may choose to make its runs faster.
    speed: SpeedSettings = DEFAULT
    #: The credential with which its project was fetched; empty without one.
    git_credential: str = ""
    #: What its project requires; None: it runs with the Ansible beside this program.
    requirements: "Requirements | None" = None
    #: Whether it connects by mitogen where that works.
    accelerated: bool = False
    #: The files of which FastDeploy keeps the versions.
    file_history: FileHistorySettings = EVERY_FILE


def read_definition(folder: Path) -> Definition:
    """Read the config.json in a service's folder.

    Raises:
        RunnerError: The file is invalid or unreadable, doesn't define a playbook
            service, or names a file that is missing or outside the folder.
    """
    folder = folder.absolute()
    content = read_object(folder / "config.json")
    content.setdefault("name", folder.resolve().name)
    return from_content(content, folder, f"{folder}/config.json")


def from_content(
    content: Mapping[str, Any], folder: Path, file: str, place: str = ""
) -> Definition:
    """Return the service that the content of a config.json defines.

    Args:
        content: The content.
        folder: The folder with the playbook.
        file: The file with the content, as a sentence names it.
        place: The folder, as a sentence names it.

    Raises:
        FileProblem: It names a file that is missing or outside the folder.
        RunnerError: It doesn't define a playbook service validly.
    """
    if content.get("deploy_script") and "/" in str(content.get("name")):
        raise RunnerError(SCRIPT_IN_PROJECT.format(content["name"]))
    if not content.get("playbook"):
        raise RunnerError(
            f'{file} names no "playbook": add one, or run the service\'s '
            '"deploy_script" instead.'
        )
    folder = folder.resolve()
    return Definition(
        file=file,
        name=_text(content, "name", file),
        folder=folder,
        playbook=locate(folder, _text(content, "playbook", file), "playbook", place),
        inventory=locate(folder, _text(content, "inventory", file), "inventory", place)
        if content.get("inventory")
        else None,
        sops_files=_sops_files(content, folder, file, place),
        properties=_properties(content, file),
        fixed_variables=_fixed_variables(content, file),
        options=_options(content, file),
        option_defaults=_option_defaults(content, file),
        environment=_environment(content, file),
        timeout=_timeout(content, file),
        credentials=_credentials(content, file),
        accelerated=_accelerated(content, file),
        speed=_speed(content, file),
        file_history=_file_history(content, file),
    )


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that contains one JSON object.

    Raises:
        RunnerError: The file is unreadable or invalid. The message never repeats the
            content, which may contain secrets.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise RunnerError(
            f"Can't read {path} ({error.strerror}): check that it exists and that this "
            "user may read it."
        ) from None
    except (ValueError, RecursionError):
        raise RunnerError(f"{path} is not valid JSON: correct it.") from None
    if not isinstance(content, dict):
        raise RunnerError(f"{path} must hold a JSON object: correct it.")
    return content


def _text(content: Mapping[str, Any], key: str, file: str) -> str:
    value = content[key]
    if not isinstance(value, str) or not value.isprintable():
        raise RunnerError(f'"{key}" in {file} must be a text: correct it.')
    return value


def _sops_files(
    content: Mapping[str, Any], folder: Path, file: str, place: str
) -> tuple[Path, ...]:
    names = content.get("sops_files", [])
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name.isprintable() for name in names
    ):
        raise RunnerError(
            f'"sops_files" in {file} must be a list of file names: correct it.'
        )
    return tuple(locate(folder, name, "sops_files", place) for name in names)


def _properties(content: Mapping[str, Any], file: str) -> Mapping[str, Any]:
    schema = content.get("variables", {})
    properties = schema.get("properties", {}) if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        raise RunnerError(
            f'"variables" in {file} must be a JSON Schema of an object: correct it.'
        )
    return properties


def _fixed_variables(content: Mapping[str, Any], file: str) -> Mapping[str, Any]:
    values = content.get("fixed_variables", {})
    if not isinstance(values, dict):
        raise RunnerError(f'"fixed_variables" in {file} must be an object: correct it.')
    return values


def _options(content: Mapping[str, Any], file: str) -> frozenset[str]:
    names = content.get("options", [])
    if not isinstance(names, list) or not all(name in options.NAMES for name in names):
        raise RunnerError(
            f'"options" in {file} must be a list of '
            f"{', '.join(options.NAMES)}: correct it."
        )
    return frozenset(names)


def _option_defaults(content: Mapping[str, Any], file: str) -> Mapping[str, Any]:
    values = content.get("option_defaults", {})
    if not isinstance(values, dict):
        raise RunnerError(f'"option_defaults" in {file} must be an object: correct it.')
    for name, value in values.items():
        if problem := options.find_problem(name, value):
            raise RunnerError(f'"option_defaults" in {file}: {name} {problem}.')
    return values


def _environment(content: Mapping[str, Any], file: str) -> Mapping[str, str]:
    value = content.get("environment", {})
    if not isinstance(value, dict) or not all(
        isinstance(text, str) for text in value.values()
    ):
        raise RunnerError(
            f'"environment" in {file} must be an object of texts: correct it.'
        )
    for name, text in value.items():
        # The message never repeats a value: it may be a password.
        if problem := environment.find_problem(name, text):
            raise RunnerError(f'"environment" in {file}: {problem}.')
    return value


def _credentials(content: Mapping[str, Any], file: str) -> tuple[str, ...]:
    references = content.get("credentials", [])
    variables = content.get("environment", {})
    if problem := credential_references.find_problem(references, variables):
        raise RunnerError(f'"credentials" in {file} {problem}.')
    return tuple(references)


def _accelerated(content: Mapping[str, Any], file: str) -> bool:
    value = content.get("accelerate", "none")
    if value not in ("mitogen", "none"):
        raise RunnerError(
            f'"accelerate" in {file} must be "mitogen" or "none": correct it.'
        )
    return bool(value == "mitogen")


def _speed(content: Mapping[str, Any], file: str) -> SpeedSettings:
    value = content.get("speed", {})
    if problem := speed_settings.find_problem(value):
        raise RunnerError(f'"speed" in {file} {problem}.')
    return speed_settings.parse(value)


def _file_history(content: Mapping[str, Any], file: str) -> FileHistorySettings:
    value = content.get("file_history", True)
    if problem := file_history_settings.find_problem(value):
        raise RunnerError(f'"file_history" in {file} {problem}.')
    return file_history_settings.parse(value)


def _timeout(content: Mapping[str, Any], file: str) -> float | None:
    value = content.get("timeout")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise RunnerError(
            f'"timeout" in {file} must be a number of seconds above 0: correct it.'
        )
    return float(value)
