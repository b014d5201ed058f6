"""Read a project: its fastdeploy.yml, and the content that the services name."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from app import project
from app.config_files import printable, read_file
from app.domain import project_file, prompt_variables
from app.domain.project import Project
from app.domain.project_checks import problems
from app.domain.service import Service
from app.errors import Invalid
from app.project_registration import locate_content, read_source, registration_of
from app.runner import project_source
from app.runner.definition import SCRIPT_IN_PROJECT
from app.runner.errors import RunnerError
from app.runner.git_credential import Access
from app.runner.project_file import NAME as DESCRIPTION
from app.runner.project_file import load
from app.runner.project_file import where as place_of
from app.runner.project_source import ProjectSource, describe_commit
from app.runner.yaml_nodes import Node, parse
from app.syntax_check_keys import SyntaxCheckKeys

#: Returns with what a project is fetched; raises RunnerError.
Reach = Callable[[ProjectSource], Access]


def without_credentials(source: ProjectSource) -> Access:
    """Return the access of a project that names no credential; others are refused."""
    if source.credential:
        raise RunnerError(
            f"{source.name} can't be fetched without {source.credential}."
        )
    return Access(project=source.name)


def fetch(
    folder: Path, data: Path, reach: Reach = without_credentials, commit: str = ""
) -> str:
    """Fetch the repository of a project if it has one; return why that failed.

    Args:
        folder: The folder that registers the project.
        data: The folder with the mirrors of repositories.
        reach: Returns with what it is fetched.
        commit: Nothing is fetched if the mirror has this commit.
    """
    try:
        source = project_source.read(folder)
        if source.git is not None and not (commit and source.mirror(data).has(commit)):
            source.update(data, partial(reach, source))
    except RunnerError as error:
        return str(error)
    return ""


def read_project(
    folder: Path, data: Path
) -> tuple[dict[str, Service | str], dict[str, str]]:
    """Return the services of a project, or the problems of each, and check keys.

    A project that can't be read at all is one entry with its own name. The keys are
    those of the syntax checks of the valid services, by name.
    """
    found = define(folder, data)
    inspector = _inspector(found)
    checked = {name: _check(found, name, inspector) for name in found.services}
    for name, service in checked.items():
        if problem := _problem_of_refs(folder, data, service):
            checked[name] = f"{found.where(name, 'schedules')}: {problem}"
    valid = [each for each in checked.values() if isinstance(each, Service)]
    if not valid:
        return checked, {}
    source = valid[0].project
    assert source is not None, "services of a project have one"
    keys = SyntaxCheckKeys(found.root, source.commit, found.requirements)
    return checked, {each.name: keys.key(each) for each in valid}


@dataclass(frozen=True)
class Definitions:
    """The services that a project defines, or the error in each."""

    services: dict[str, Service | str]
    #: The fastdeploy.yml, or the file that registers the project if that is unknown.
    file: Path
    #: The folder with the content.
    root: Path
    text: bytes = b""
    #: The requirements files that the project lists, relative to its folder.
    provided: frozenset[str] = frozenset()
    #: The commit in the folder; empty if the project has none.
    commit: str = ""

    @cached_property
    def _parsed(self) -> tuple[dict[str, Any], Node]:
        return load(self.text), parse(self.text)

    def where(self, name: str, key: str = "") -> str:
        """Return the place of a service, or of a key of it, as a sentence names it."""
        return place_of(*self._parsed, name, key)

    @property
    def requirements(self) -> dict[str, Any]:
        """What the project requires, as fastdeploy.yml says."""
        return project_file.requirements(self.text)


def read_in_project(
    folder: Path, data: Path, name: str, commit: str, ref: str
) -> Service | str:
    """Return a service of a project, or all problems that prevent its deployment."""
    found = define(folder, data, commit, ref, only=name)
    if name in found.services:
        return _check(found, name, _inspector(found))
    # A project that can't be read has one entry, with its own name.
    other = found.services.get(printable(folder.name), "")
    return str(other) or f"{folder.name} doesn't define {name}"


def read_content(text: bytes, root: Path, name: str) -> dict[str, Service | str]:
    """Return the services that a fastdeploy.yml defines for a folder.

    The values are services, or the problems with each and with the files that it names.

    Raises:
        Invalid: The file itself is invalid, or a requirements file is missing.
    """
    services = project_file.parse(text, name)
    provided = _requirements_files(text, root, str(root))
    found = Definitions(services, root / DESCRIPTION, root, text, provided)
    inspector = _inspector(found)
    return {name: _check(found, name, inspector) for name in services}


def define(
    folder: Path, data: Path, commit: str = "", ref: str = "", only: str = ""
) -> Definitions:
    """Read the fastdeploy.yml of a project.

    Args:
        folder: The folder that registers the project.
        data: The folder with the mirrors of repositories.
        commit: The commit of the repository; by default the one that is shown.
        ref: The full name of the ref that was resolved to it.
        only: The only service that is read, in all its environments.
    """
    file = folder / project_source.FILE
    try:
        source = read_source(folder)
        root, place = locate_content(source, data, commit, ref)
        file = source.description(root)
        text = read_file(file)
        defined = project_file.parse(text, folder.name, only)
        about = {"description": project_file.description_of(text)}
        provided = _requirements_files(text, root, _shown(root, place.commit))
        registration = registration_of(source)
    except (Invalid, RunnerError) as error:
        return Definitions({printable(folder.name): str(error)}, file, folder)
    place = place.model_copy(update=about)
    more = {"project": place, "registration": registration}
    services = {
        name: each if isinstance(each, str) else each.model_copy(update=more)
        for name, each in defined.items()
    }
    return Definitions(services, file, root, text, provided, place.commit)


def read_description(folder: Path, data: Path) -> tuple[Path, bytes]:
    """Return the folder with the content of a project, and its fastdeploy.yml.

    Raises:
        Invalid: A file can't be read, or the name of the folder is invalid.
        RunnerError: project.json is invalid, or the repository was never fetched.
    """
    source = read_source(folder)
    root, _ = locate_content(source, data, "", "")
    return root, read_file(source.description(root))


def root_of(folder: Path, data: Path) -> Path:
    """Return the folder with the content of a project, as the last sync knows it.

    Raises:
        Invalid: The name of the folder is invalid.
        RunnerError: project.json is invalid, or the repository was never fetched.
    """
    return locate_content(read_source(folder), data, "", "")[0]


def _inspector(found: Definitions) -> project.Inspector:
    registered = any(
        isinstance(each, Service) and each.registration
        for each in found.services.values()
    )
    # The Ansible of a registered project is the one that its runner uses.
    ansible = None if registered else project.own_ansible()
    return project.Inspector(found.root, ansible, _shown(found.root, found.commit))


def _shown(root: Path, commit: str) -> str:
    """Return how sentences name the folder with the content of a project."""
    return describe_commit(commit) if commit else str(root)


def _check(
    found: Definitions, name: str, inspector: project.Inspector
) -> Service | str:
    """Return a service of a project, or the problems with the content it names."""
    service = found.services[name]
    if isinstance(service, str):
        return service
    if service.registration and not service.playbook:
        return SCRIPT_IN_PROJECT.format(name)
    looked_at = inspector.look(service)
    found_problems = problems(service, _without(looked_at, found.provided))
    if not found_problems:
        return prompt_variables.declare(service, looked_at.prompts)
    if looked_at.refusals:
        return " ".join(
            f"{found.where(name, each.key)}: {each.sentence.rstrip('.')}."
            for each in looked_at.refusals
        )
    sentences = " ".join(each.message for each in found_problems)
    return f"{found.where(name)}: {sentences}"


def _problem_of_refs(folder: Path, data: Path, service: Service | str) -> str:
    """Return why a schedule can't deploy its ref at the moment; empty if all can."""
    if isinstance(service, str):
        return ""
    for number, schedule in enumerate(service.schedules):
        if problem := _problem_of_ref(folder, data, service.name, schedule.ref):
            return f"schedules.{number}.ref: {problem}"
    return ""


def _problem_of_ref(folder: Path, data: Path, name: str, ref: str) -> str:
    if not ref:
        return ""
    try:
        source = project_source.read(folder)
        if source.git is None:
            return "the project is a folder, not a git repository: remove it"
        commit = source.mirror(data).resolve(ref).commit
        project_source.require_allowed(source, data, name, commit)
    except RunnerError as error:
        return str(error).removesuffix(".")
    return ""


def _requirements_files(content: bytes, root: Path, shown: str) -> frozenset[str]:
    """Return the requirements files of a project, relative to its folder.

    Raises:
        Invalid: One is missing, or outside the folder.
    """
    found: set[str] = set()
    resolved = root.resolve()
    for name, where in project_file.requirements_files(content).items():
        path = (resolved / name).resolve()
        if not path.is_relative_to(resolved):
            raise Invalid(f'{where}"{name}" lies outside {shown}: move it into it')
        if not path.is_file():
            raise Invalid(f'{where}"{name}" is missing in {shown}: add it')
        found |= {str(path.relative_to(resolved)), os.path.normpath(name)}
    return frozenset(found)


def _without(found: Project, provided: frozenset[str]) -> Project:
    """Leave out requirements that the execution environment of the project has."""
    missing = tuple(each for each in found.requirements if each.file not in provided)
    return replace(found, requirements=missing)
