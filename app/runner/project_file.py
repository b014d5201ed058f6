"""Read fastdeploy.yml: the services and environments of a project.

The runner reads it in the commit that it runs, a sync in the one that it shows. Both
turn a service in an environment into the config.json that it is equal to.
"""

from collections.abc import Mapping
from typing import Any

from .errors import RunnerError
from .yaml_nodes import Node, line_of

NAME = "fastdeploy.yml"
#: Keys of an environment that become keys of the service.
_OF_ENVIRONMENT = (
    "accelerate", "approval", "approval_timeout", "confirm", "inventory", "refs",
    "speed",
)  # fmt: skip
#: Keys of "defaults" and of environments that don't apply to a script.
_OF_PLAYBOOK = frozenset({
    "accelerate", "allow_empty", "file_history", "inventory", "option_defaults",
    "options", "sops_files", "speed",
})  # fmt: skip


def load(content: bytes) -> dict[str, Any]:
    """Return the content of a fastdeploy.yml.

    Raises:
        RunnerError: It isn't a YAML mapping, or has values that JSON doesn't have.
    """
    # PyYAML is imported only for projects: it costs 15 ms.
    from . import json_yaml  # noqa: PLC0415

    try:
        value = json_yaml.load(content)
    except json_yaml.InvalidYaml as error:
        where = f", line {error.line}" if error.line else ""
        raise RunnerError(f"{NAME}{where}: {error}.") from None
    if not isinstance(value, dict):
        raise RunnerError(
            f'{NAME} must be a mapping with the key "services": correct it.'
        )
    return value


def environments(project: Mapping[str, Any], service: str) -> list[str]:
    """Return the names of the environments that a service of a project runs in.

    It is empty if the project has no environments.
    """
    every = list(_mapping(project, "environments"))
    wanted = _mapping(_mapping(project, "services"), service).get("environments")
    return every if wanted is None else [name for name in every if name in wanted]


def config_of(
    project: Mapping[str, Any], service: str, environment: str
) -> dict[str, Any]:
    """Return the config.json that a service in an environment is equal to.

    Args:
        project: The content of a fastdeploy.yml.
        service: The key of the service.
        environment: The key of the environment; empty without environments.

    Raises:
        RunnerError: A key that is combined here has a value of another type.
    """
    own = _mapping(_mapping(project, "services"), service)
    is_script = "deploy_script" in own
    defaults = {
        key: value
        for key, value in _mapping(project, "defaults").items()
        if not (is_script and key in _OF_PLAYBOOK)
    }
    config = {**defaults, **own}
    united = _united(project, own, environment)
    if united:
        config["credentials"] = united
    config.pop("environments", None)
    steps = config.get("steps", [])
    if not isinstance(steps, list):
        raise RunnerError('"steps" must be a list')
    config["name"] = f"{project['project']}/{service}"
    config["steps"] = [
        {"name": step} if isinstance(step, str) else step for step in steps
    ]
    if environment:
        config["name"] += f"@{environment}"
        chosen = _mapping(_mapping(project, "environments"), environment)
        config |= {
            key: chosen[key]
            for key in _OF_ENVIRONMENT
            if key in chosen and not (is_script and key in _OF_PLAYBOOK)
        }
        if not is_script and (limit := chosen.get("limit")):
            config["option_defaults"] = {
                "limit": limit, **_mapping(config, "option_defaults")
            }  # fmt: skip
        config["fixed_variables"] = {
            **_mapping(config, "fixed_variables"), **_mapping(chosen, "variables")
        }  # fmt: skip
    return config


def _united(
    project: Mapping[str, Any], own: Mapping[str, Any], environment: str
) -> list[Any]:
    """Return the credentials of the defaults, a service and an environment."""
    places = [_mapping(project, "defaults"), own]
    if environment:
        places.append(_mapping(_mapping(project, "environments"), environment))
    united: list[Any] = []
    for place in places:
        named = place.get("credentials", [])
        if not isinstance(named, list):
            raise RunnerError('"credentials" must be a list of names')
        # A list that names one twice stays invalid.
        united += [each for each in named if each not in united]
    return united


def refs_of(project: Mapping[str, Any], environment: str) -> tuple[str, ...]:
    """Return the patterns of branches and tags that may run in an environment.

    Raises:
        RunnerError: The project doesn't define the environment.
    """
    defined = _mapping(project, "environments")
    if environment not in defined:
        raise RunnerError(
            f'{NAME} doesn\'t define the environment "{environment}": add it in the '
            "default branch of the project."
        )
    return tuple(defined[environment].get("refs", ()))


def find(project: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the config.json that the service with a name is equal to.

    Raises:
        RunnerError: The project doesn't define it.
    """
    owner, _, rest = name.partition("/")
    service, _, environment = rest.partition("@")
    if (
        owner == project.get("project")
        and service in _mapping(project, "services")
        and environment in (environments(project, service) or [""])
    ):
        return config_of(project, service, environment)
    raise RunnerError(f"{NAME} doesn't define {name}: sync the services.")


def where(project: Mapping[str, Any], root: Node, name: str, key: str = "") -> str:
    """Return where a service, or a key of it, is defined, as a sentence names it.

    Args:
        project: The content of a fastdeploy.yml that defines the service.
        root: The same content as a YAML node.
        name: The name of the service, `project/service@environment`.
        key: A key of its config.json; it may be set by the environment or by the
            defaults. The sentence names the environment as well then.
    """
    service, _, environment = name.partition("/")[2].partition("@")
    own = ("services", service)
    places = [("environments", environment), own, ("defaults",), ()]
    found = next((each for each in places if key and key in _at(project, each)), None)
    line = line_of(root, own if found is None else (*found, key))
    about = f", environment {environment}" if key and environment else ""
    return f"{NAME}, line {line}{about}"


def _at(project: Mapping[str, Any], place: tuple[str, ...]) -> Mapping[str, Any]:
    for key in place:
        project = _mapping(project, key)
    return project


def _mapping(project: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = project.get(key, {})
    if not isinstance(value, dict):
        raise RunnerError(f'"{key}" must be a mapping')
    return value
