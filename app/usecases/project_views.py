"""Projects as the pages and the API show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.service_name import split
from app.errors import NotFound
from app.runner import project_source
from app.store import deployments, outcomes, projects, services
from app.store.projects import ProjectService
from app.store.services import Outline
from app.store.store import Store
from app.usecases import project_grid
from app.usecases.project_grid import Grid

#: The number of services on one page of a project.
PAGE = 100
#: The maximum number of errors that the page of a project lists.
ERRORS = 50


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """What all services of a project have in common in an environment.

    `inventory` and `limit` are empty if the services have different ones.
    """

    name: str
    inventory: str
    limit: str
    #: The sorted names of the variables that are set in every run.
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """A project with its environments and services."""

    name: str
    #: The path of its folder, or the URL of its repository. Empty if unknown.
    source: str
    #: The credential with which its repository is fetched; empty without one.
    credential: str
    description: str
    environments: tuple[EnvironmentSummary, ...]
    services: tuple[ProjectService, ...]
    #: The error in its description; empty if it is valid.
    problem: str

    @property
    def count(self) -> int:
        """The number of services, each counted once for all environments."""
        return len({each.name.service for each in self.services})

    @property
    def invalid(self) -> Sequence[ProjectService]:
        """The services with an error."""
        return [each for each in self.services if each.error]

    @property
    def not_loaded(self) -> Sequence[ProjectService]:
        """The valid services whose playbook Ansible can't load."""
        return [each for each in self.services if each.warning and not each.error]

    @property
    def linked(self) -> bool:
        """Whether it has a page: a folder's name can be invalid."""
        return split(self.name) is not None


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """A page of a project's services, of those with `text` in their names."""

    project: ProjectSummary
    grid: Grid
    #: The number of services that match.
    matching: int
    #: The number of this page, from 1, and of the last one.
    number: int
    last: int


def list_projects(store: Store, folder: Path) -> list[ProjectSummary]:
    """Return all projects, sorted by name.

    Files are looked at only for folders without a valid service: such a folder may be
    that of a service, or of a project that can't be read.
    """
    with store.begin() as db:
        listed = projects.list_services(db)
        unread = _unread(services.outlines(db))
        known = projects.names(db)
    by_name: dict[str, list[ProjectService]] = {}
    for each in listed:
        by_name.setdefault(each.name.project, []).append(each)
    found = {name: _summary(name, of, "") for name, of in by_name.items()}
    for outline in unread:
        if outline.name in known or _is_project(folder, outline.name):
            found[outline.name] = _summary(
                outline.name, by_name.get(outline.name, ()), outline.error
            )
    return [found[name] for name in sorted(found)]


def find(store: Store, folder: Path, name: str) -> ProjectSummary:
    """Return a project; raises NotFound."""
    return look(store, folder, name).project


def look(
    store: Store, folder: Path, name: str, *, text: str = "", number: int = 1
) -> ProjectPage:
    """Return a page of a project; the number of queries is constant.

    Args:
        store: The store.
        folder: The services folder.
        name: The name of the project.
        text: A part of the names of the services; empty for all.
        number: The number of the page; the last one if there are fewer.

    Raises:
        NotFound: There is no project with this name.
    """
    parts = split(name)
    if parts is None or parts.project:
        raise NotFound(f"there is no project {name!r}")
    with store.begin() as db:
        of_project = projects.list_services(db, name)
        itself = services.find(db, name)
        has_problem = itself is not None and not itself.archived_at and itself.error
        known = bool(of_project) or (
            has_problem
            and (name in projects.names(db) or _is_project(folder, name))
        )  # fmt: skip
        if not known:
            raise NotFound(f"there is no project {name!r}")
        matching = [o for o in of_project if text.lower() in o.name.service]
        outlines = [Outline(o.id, str(o.name), o.error, o.warning) for o in matching]
        count = len({o.name.service for o in matching})
        last = max(-(-count // PAGE), 1)
        number = min(max(number, 1), last)
        layout = project_grid.lay_out(
            name, outlines, first=(number - 1) * PAGE, most=PAGE
        )
        latest = deployments.latest_of_each(db, layout.ids)
        brought = outcomes.last_successful(db, layout.ids)
    problem = itself.error if itself and has_problem else ""
    return ProjectPage(
        _summary(name, of_project, problem),
        project_grid.fill(layout, latest, brought),
        count,
        number,
        last,
    )


def _unread(outlines: Iterable[Outline]) -> list[Outline]:
    """Return the outlines that may be those of projects that can't be read."""
    return [o for o in outlines if o.error and "/" not in o.name]


def _is_project(folder: Path, name: str) -> bool:
    return project_source.is_project(folder / name)


def _summary(
    name: str, listed: Sequence[ProjectService], problem: str
) -> ProjectSummary:
    names = sorted({each.name.environment for each in listed} - {""})
    return ProjectSummary(
        name=name,
        source=next((each.source for each in listed if each.source), ""),
        credential=next((each.credential for each in listed if each.credential), ""),
        description=next((each.about for each in listed if each.about), ""),
        environments=tuple(
            _environment(key, [o for o in listed if o.name.environment == key])
            for key in names
        ),
        services=tuple(listed),
        problem=problem,
    )


def _environment(name: str, listed: Sequence[ProjectService]) -> EnvironmentSummary:
    # A service that has never been valid has no config.
    read = [each for each in listed if each.source]
    inventories, limits = {o.inventory for o in read}, {o.limit for o in read}
    variables = [each.variables for each in read]
    return EnvironmentSummary(
        name,
        inventories.pop() if len(inventories) == 1 else "",
        limits.pop() if len(limits) == 1 else "",
        tuple(sorted(frozenset.intersection(*variables))) if variables else (),
    )
