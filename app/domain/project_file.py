"""Validate fastdeploy.yml, with the line of each error."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from app.domain import config_json, plain_path, project_schedules
from app.domain.acceleration import AccelerateKey, explain_range
from app.domain.approval import (
    DEFAULT_APPROVAL_TIMEOUT,
    ApprovalKey,
    ApprovalTimeoutKey,
)
from app.domain.confirm import ConfirmKey
from app.domain.credential_names import Credentials
from app.domain.project_file_lines import (
    explain_at,
    find_duplicates,
    where,
)
from app.domain.service import Service
from app.domain.service_name import PART, RESERVED, ServiceName
from app.domain.speed import DEFAULT_SPEED, SpeedKey
from app.errors import Invalid
from app.runner import project_file, yaml_nodes
from app.runner.errors import RunnerError
from app.runner.yaml_nodes import Node

#: Maximum size of a fastdeploy.yml in bytes.
MAX_BYTES = 256 * 1024
#: Maximum number of services, each counted once for each of its environments.
MAX_SERVICES = 10_000
#: Maximum size in bytes of all of them as config.json.
MAX_TOTAL = 32 * 1024 * 1024
#: The keys of a service that are part of a registration, or follow from the project.
NOT_IN_PROJECT = frozenset({"name", "project", "refs", "registration"})

_Path = Annotated[str, Field(min_length=1, max_length=255)]


def _require_package(value: str) -> str:
    try:
        Requirement(value)
    except InvalidRequirement:
        raise ValueError(
            f'"{value}" is not a requirement such as "jmespath>=1.0"'
        ) from None
    return value


def _require_specifier(value: str) -> str:
    try:
        SpecifierSet(value)
    except InvalidSpecifier:
        raise ValueError(
            f'"{value}" is not a range of versions such as ">=2.19,<2.20"'
        ) from None
    return value


_Part = Annotated[str, Field(pattern=f"^{PART}$")]


class Environment(BaseModel):
    """Where the services of a project run: an inventory with variables and limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inventory: Annotated[
        _Path,
        Field(description="An inventory in the repository."),
        AfterValidator(plain_path.require),
    ]
    description: Annotated[str, Field(max_length=2000)] = ""
    limit: Annotated[
        str, Field(description="A host pattern: the hosts of every run.")
    ] = ""
    refs: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=255)], ...],
        Field(
            max_length=100,
            description="Patterns of the branches and tags that may be deployed here; "
            "empty: all.",
        ),
    ] = ()
    variables: Annotated[
        dict[str, Any],
        Field(description="Variables of every run. A launch can't change them."),
    ] = {}
    credentials: Credentials = ()
    confirm: ConfirmKey = False
    approval: ApprovalKey = False
    approval_timeout: ApprovalTimeoutKey = DEFAULT_APPROVAL_TIMEOUT
    accelerate: AccelerateKey = "none"
    speed: SpeedKey = DEFAULT_SPEED


class ProjectFile(BaseModel):
    """The content of a fastdeploy.yml, apart from the services themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="FastDeploy project")

    project: Annotated[_Part, Field(description="The name of the project.")]
    description: Annotated[str, Field(max_length=2000)] = ""
    environments: Annotated[
        dict[_Part, Environment],
        Field(
            description="By name. Without any, services use ansible.cfg's inventory."
        ),
    ] = {}
    defaults: Annotated[
        dict[str, Any],
        Field(description="Keys of every service that doesn't set them itself."),
    ] = {}
    requirements: Annotated[
        list[_Path],
        Field(
            description="Requirements files of ansible-galaxy in the repository: their "
            "collections and roles are installed for the project."
        ),
    ] = []
    python: Annotated[
        list[Annotated[str, AfterValidator(_require_package)]],
        Field(description="Python packages for the project, as PEP 508 requirements."),
    ] = []
    ansible: Annotated[
        str,
        AfterValidator(_require_specifier),
        Field(
            description="The versions of ansible-core that run the project, as a PEP "
            "440 specifier; by default FastDeploy's own version."
        ),
    ] = ""
    services: Annotated[
        dict[_Part, dict[str, Any]],
        Field(min_length=1, description="By name, with the keys of a config.json."),
    ]


def parse(content: bytes, folder: str, only: str = "") -> dict[str, Service | str]:
    """Return each service in each environment by its name, or the error in it.

    Args:
        content: The file, whose `project` must be the name of its folder.
        folder: The name of the folder in the services folder.
        only: The name of the only service to return, if it is defined; by default, all.

    Raises:
        Invalid: The file itself is invalid, with a sentence for each error.
    """
    if len(content) > MAX_BYTES:
        raise Invalid(f"{project_file.NAME} is longer than {MAX_BYTES} bytes")
    try:
        data = project_file.load(content)
    except RunnerError as error:
        raise Invalid(str(error)) from None
    root = yaml_nodes.parse(content)
    if duplicates := list(find_duplicates(root)):
        raise Invalid("; ".join(duplicates))
    try:
        ProjectFile.model_validate(data)
    except ValidationError as error:
        raise Invalid("; ".join(explain_at(root, error, ()))) from None
    if data["project"] != folder:
        raise Invalid(
            f'{where(root, ("project",))}project is "{data["project"]}", but it is '
            f'registered as "{folder}"'
        )
    return dict(_within_limits(_services(root, data, only)))


def requirements(content: bytes) -> dict[str, Any]:
    """Return the keys of a valid fastdeploy.yml that name what the project requires."""
    data = project_file.load(content)
    return {key: data.get(key) for key in ("requirements", "python", "ansible")}


def requirements_files(content: bytes) -> dict[str, str]:
    """Return the names in `requirements` of a valid fastdeploy.yml.

    Each has the beginning of a sentence about it, with the file and the line.
    """
    names = project_file.load(content).get("requirements") or []
    root = yaml_nodes.parse(content) if names else None
    return {
        name: where(root, ("requirements", number)) for number, name in enumerate(names)
    }


def name_of(content: bytes) -> str:
    """Return the name of the project in a fastdeploy.yml; empty if it has none."""
    try:
        name = project_file.load(content).get("project")
    except RunnerError:
        return ""
    return name if isinstance(name, str) and re.fullmatch(PART, name) else ""


def description_of(content: bytes) -> str:
    """Return the description of the project in a valid fastdeploy.yml."""
    description: str = project_file.load(content).get("description", "")
    return description


def _within_limits(
    services: Iterator[tuple[str, Service | str]],
) -> Iterator[tuple[str, Service | str]]:
    """Pass services on up to a number and size: defaults and variables multiply."""
    size = 0
    for number, (name, service) in enumerate(services, start=1):
        size += len(service.model_dump_json() if isinstance(service, Service) else "")
        if number > MAX_SERVICES or size > MAX_TOTAL:
            raise Invalid(
                f"{project_file.NAME} defines more than {MAX_SERVICES:,} services, or "
                f"more than {MAX_TOTAL:,} bytes of them, with each environment counted:"
                " split the project"
            )
        yield name, service


def _services(
    root: Node, data: dict[str, Any], only: str
) -> Iterator[tuple[str, Service | str]]:
    for key in data["services"]:
        if only and only.partition("@")[0] != f"{data['project']}/{key}":
            continue
        at = ("services", key)
        if problem := _problem_of_keys(data, key):
            yield f"{data['project']}/{key}", f"{where(root, at)}{problem}"
            continue
        for environment in project_file.environments(data, key) or [""]:
            name = str(ServiceName(data["project"], key, environment))
            yield name, _service(root, data, key, environment)


def _service(
    root: Node, data: dict[str, Any], key: str, environment: str
) -> Service | str:
    """Return a service in an environment, or the errors in it with their lines."""
    at = ("services", key)
    try:
        config = project_file.config_of(data, key, environment)
        service = config_json.validate(config)
    except ValidationError as error:
        return "; ".join(explain_at(root, error, at))
    except (Invalid, RunnerError) as error:
        return f"{where(root, at)}{error}"
    known = project_file.environments(data, key)
    for place, problem in project_schedules.problems(service, known):
        return f"{where(root, (*at, *place))}{problem}"
    accelerated = service.accelerate == "mitogen"
    if accelerated and (problem := explain_range(data.get("ansible") or "")):
        return f"{where(root, ('ansible',))}{problem}"
    return project_schedules.choose(service, environment)


def _problem_of_keys(data: dict[str, Any], key: str) -> str:
    """Return the problem with the keys of a service that only a project has."""
    service = {**(data.get("defaults") or {}), **data["services"][key]}
    if key in RESERVED:
        return f'a service can\'t be called "{key}": choose another name'
    for name in sorted(NOT_IN_PROJECT & set(service)):
        return f'"{name}" can\'t be set in {project_file.NAME}: remove it'
    if "environments" in (data.get("defaults") or {}):
        return '"environments" can\'t be set in "defaults": remove it'
    wanted = service.get("environments")
    if wanted is None:
        return ""
    if not isinstance(wanted, list) or not wanted:
        return '"environments" must be a list of names with at least one'
    for name in wanted:
        if not isinstance(name, str) or name not in (data.get("environments") or {}):
            known = ", ".join(data.get("environments") or {}) or "none"
            return (
                f'"environments": {name!r} is not an environment (there are: {known})'
            )
    return ""
