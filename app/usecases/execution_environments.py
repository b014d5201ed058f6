"""List and remove the execution environments of this user's runs."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app import project_folder, services_folder
from app.domain import project_file
from app.errors import Conflict, Invalid, NotFound
from app.runner import execution_environment, project_source
from app.runner import project_file as description
from app.runner.errors import RunnerError
from app.runner.execution_environment import Place


@dataclass(frozen=True, slots=True)
class ExecutionEnvironment:
    """An execution environment that was built, in whole or in part."""

    name: str
    #: The registered projects that need it.
    projects: tuple[str, ...]
    #: Bytes on disk; files that environments share are counted in each.
    size: int
    used_at: datetime | None
    #: Versions; empty if it is not complete.
    ansible_core: str
    python: str


def list_environments(data: Path, services: Path) -> list[ExecutionEnvironment]:
    """Return the environments in a data folder, in the order of their names.

    Raises:
        Invalid: The services folder can't be read.
    """
    needed, _ = _needed(services, data)
    return [_describe(place, needed.get(place.name, ())) for place in _places(data)]


def prune(data: Path, services: Path) -> tuple[list[str], list[str]]:
    """Remove the environments that no registered project needs.

    Return the names of those that were removed, and of those that a run uses.

    Raises:
        Invalid: The services folder or a project can't be read, so that what it needs
            is unknown; nothing is removed.
    """
    needed, problems = _needed(services, data)
    if problems:
        raise Invalid(
            f"nothing was removed, since it is unknown what is needed: "
            f"{'; '.join(problems)}"
        )
    removed: list[str] = []
    used: list[str] = []
    for place in _places(data):
        if place.name not in needed:
            (removed if place.remove() else used).append(place.name)
    return removed, used


def remove(data: Path, name: str) -> str:
    """Remove the environment whose name begins with `name`; return its whole name.

    Raises:
        NotFound: None or several have this name.
        Conflict: A run uses or builds it.
    """
    found = [place for place in _places(data) if name and place.name.startswith(name)]
    if len(found) != 1:
        raise NotFound(
            f"{len(found)} execution environments begin with {name!r}; "
            "`fastdeploy environment list` shows them"
        )
    if not found[0].remove():
        raise Conflict(f"execution environment {found[0].name} is used by a run")
    return found[0].name


def _places(data: Path) -> list[Place]:
    environments = data / "environments"
    if not environments.is_dir():
        return []
    return [
        Place(environments, path.name)
        for path in sorted(environments.iterdir())
        if not path.name.startswith(".") and path.is_dir()
    ]


def _needed(services: Path, data: Path) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return the projects that need each environment, and the unreadable projects."""
    found: dict[str, tuple[str, ...]] = {}
    problems: list[str] = []
    for folder in services_folder.folders(services):
        if not project_source.is_project(folder):
            continue
        try:
            name = _name_for(folder, data)
        except (Invalid, RunnerError) as error:
            problems.append(f"{folder.name}: {str(error).rstrip('.')}")
        else:
            if name:
                found[name] = (*found.get(name, ()), folder.name)
    return found, problems


def _name_for(folder: Path, data: Path) -> str:
    """Return the name of the environment that a project needs; empty if none."""
    root, content = project_folder.read_description(folder, data)
    project_file.parse(content, folder.name)
    requirements = execution_environment.read(description.load(content), root.resolve())
    if requirements is None:
        return ""
    return execution_environment.place_of(requirements, data).name


def _describe(place: Place, projects: Iterable[str]) -> ExecutionEnvironment:
    about = {}
    if place.complete:
        about = json.loads((place.folder / "environment.json").read_bytes())
    return ExecutionEnvironment(
        name=place.name,
        projects=tuple(projects),
        size=_size(place.folder),
        used_at=_used_at(place),
        ansible_core=about.get("ansible_core", ""),
        python=about.get("python", ""),
    )


def _size(folder: Path) -> int:
    """Return the bytes that the files of a folder take; one may disappear meanwhile."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.lstat().st_blocks * 512
        except FileNotFoundError:
            continue
    return size


def _used_at(place: Place) -> datetime | None:
    try:
        seconds = (place.folder / "used").stat().st_mtime
    except FileNotFoundError:
        return None
    return datetime.fromtimestamp(seconds, UTC)
