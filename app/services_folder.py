"""Read the services folder: folders with a config.json, and projects.

    services/hello/config.json        a service
    services/infra/project.json       a project: where its content is
    services/infra/fastdeploy.yml     its services, if its own folder doesn't have this

A folder with a fastdeploy.yml and no project.json is the folder of a project itself; it
may be a link to it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app import ansible_version, project, project_folder
from app.config_files import MAX_CONFIG, printable, read_file
from app.domain import config_json, prompt_variables
from app.domain.acceleration import explain_version
from app.domain.project import Project
from app.domain.project_checks import not_boolean, problems
from app.domain.service import Service
from app.domain.service_name import PART, split
from app.errors import Invalid
from app.runner import ansible_cfg, host_key_settings, project_source
from app.runner.errors import RunnerError
from app.syntax_check_keys import SyntaxCheckKeys


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of the services folder."""

    #: Each service by name, or all problems that prevent its deployment.
    services: dict[str, Service | str]
    #: What prevented reading the present state of a project, or a setting without the
    #: effect that it seems to have, by the name of its folder or of a service.
    warnings: dict[str, str] = field(default_factory=dict)
    #: The key of the syntax check of each valid playbook service, by name.
    check_keys: dict[str, str] = field(default_factory=dict)


def read_all(
    services: Path,
    data: Path,
    reach: project_folder.Reach = project_folder.without_credentials,
) -> Contents:
    """Read all services, after fetching the repositories of projects.

    Args:
        services: The services folder.
        data: The folder with the mirrors of repositories.
        reach: Returns with what a repository is fetched.

    Raises Invalid if the services folder can't be read.
    """
    found = Contents({})
    for folder in folders(services):
        if project_source.is_project(folder):
            if warning := project_folder.fetch(folder, data, reach):
                found.warnings[printable(folder.name)] = warning
            services_of, keys = project_folder.read_project(folder, data)
            found.check_keys.update(keys)
        else:
            service = read_service(folder)
            services_of = {printable(folder.name): service}
            if isinstance(service, Service):
                found.check_keys[service.name] = SyntaxCheckKeys(folder).key(service)
        found.services.update(services_of)
        found.warnings.update(_not_accelerated(folder, data, services_of))
        if value := _not_boolean(folder, data):
            found.warnings.setdefault(printable(folder.name), not_boolean(value))
    return found


def _not_accelerated(
    folder: Path, data: Path, services: Mapping[str, Service | str]
) -> dict[str, str]:
    """Return the warnings about services that ask for mitogen and don't get it."""
    asking = [
        each
        for each in services.values()
        if isinstance(each, Service) and each.accelerate == "mitogen"
    ]
    if not asking:
        return {}
    # The services of a project have the same Ansible.
    problem = explain_version(ansible_version.find(folder, data, asking[0]))
    return {each.name: f"{each.name}: {problem}" for each in asking if problem}


def root_of(folder: Path, data: Path) -> Path:
    """Return the folder with the content of a service or a project.

    Raises:
        Invalid: The name of the folder is invalid.
        RunnerError: project.json is invalid, or the repository was never fetched.
    """
    if project_source.is_project(folder):
        return project_folder.root_of(folder, data)
    return folder


def _not_boolean(folder: Path, data: Path) -> str:
    """Return a value in ansible.cfg that Ansible takes for false; empty without one."""
    try:
        config = ansible_cfg.read(root_of(folder, data), {})
    except (Invalid, RunnerError, OSError):
        return ""
    return next(host_key_settings.not_booleans(config), "")


def read_one(
    services: Path, data: Path, name: str, commit: str = "", ref: str = ""
) -> Service | str:
    """Return the service with a name, or all problems that prevent its deployment.

    Args:
        services: The services folder.
        data: The folder with the mirrors of repositories.
        name: The name of the service.
        commit: The commit of the repository; by default the one whose services a sync
            shows.
        ref: The full name of the ref that was resolved to it, if any.
    """
    parts = split(name)
    if parts is None:
        return f"{name!r} is not the name of a service"
    folder = services / parts.folder
    if not parts.project:
        return read_service(folder)
    return project_folder.read_in_project(folder, data, name, commit, ref)


def read_definitions(folder: Path, data: Path) -> dict[str, Service | str]:
    """Return what a folder in the services folder defines, without its content's check.

    The values are services, or errors in their definitions.
    """
    if project_source.is_project(folder):
        return project_folder.define(folder, data).services
    return {printable(folder.name): read_config(folder)}


def definition_file(folder: Path, data: Path) -> Path:
    """Return the path of the file that defines the services of a folder."""
    if not project_source.is_project(folder):
        return folder / "config.json"
    return project_folder.define(folder, data).file


def folders(folder: Path) -> list[Path]:
    """Return the folders of services, valid or not.

    Raises Invalid if the services folder can't be read.
    """
    try:
        return [
            path
            for path in sorted(folder.iterdir())
            if not path.name.startswith((".", "_")) and path.is_dir()
        ]
    except OSError as error:
        raise Invalid(
            f"the services folder {folder} can't be read ({error.strerror}); "
            "set FASTDEPLOY_SERVICES to the folder that holds the services"
        ) from None


def read_service(folder: Path) -> Service | str:
    """Return the service in a folder, or all problems that prevent its deployment."""
    service = read_config(folder)
    return service if isinstance(service, str) else check_content(folder, service)


def check_content(folder: Path, service: Service) -> Service | str:
    """Return a service, or all problems with the files that it names.

    It has a launch variable for each variable that its playbook asks for.
    """
    looked_at = look_at_project(folder, service)
    found = problems(service, looked_at)
    said = " ".join(problem.message for problem in found)
    return said or prompt_variables.declare(service, looked_at.prompts)


def look_at_project(folder: Path, service: Service) -> Project:
    """Inspect the project in the services folder.

    A registered service runs from another folder. The services folder has a copy of
    only the files that config.json names, so Ansible's requirements aren't checked.
    """
    ansible = None if service.registration else project.own_ansible()
    return project.look(folder, service, ansible)


def read_config(folder: Path) -> Service | str:
    """Return the service in a folder's config.json, or the error in it."""
    if not re.fullmatch(PART, folder.name):
        return "the folder's name must be lower case letters, digits, - and _"
    return read_config_file(folder / "config.json")


def read_config_file(path: Path) -> Service | str:
    """Return the service in a file in its folder, or the error in it."""
    try:
        content = read_file(path)
    except Invalid as error:
        return str(error)
    return parse_config(content, path.absolute().parent.name)


def parse_config(content: bytes, folder: str | None = None) -> Service | str:
    """Return the service in the content of a config.json, or the error in it."""
    if len(content) > MAX_CONFIG:
        return f"config.json is larger than {MAX_CONFIG} bytes"
    try:
        return config_json.parse(content, folder)
    except Invalid as error:
        return str(error)
