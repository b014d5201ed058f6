"""The grid of a project: its services, and what is deployed in each environment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.domain.deployment import Deployment
from app.domain.service_name import ServiceName, split
from app.store.outcomes import LastSuccess
from app.store.services import Outline


@dataclass(frozen=True, slots=True)
class Cell:
    """A service in an environment with its latest deployment and current version.

    `version` is the version of the last successful deployment, which has the id
    `brought_by`. It is empty if unknown. `warning` says why Ansible can't load the
    playbook.
    """

    name: ServiceName
    error: str
    warning: str
    latest: Deployment | None
    version: str
    brought_by: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A service in each environment of the grid; None where it doesn't run.

    `invalid` is the service itself if its error hides in which environments it runs.
    """

    service: str
    cells: tuple[Cell | None, ...]
    invalid: Cell | None


@dataclass(frozen=True, slots=True)
class Grid:
    """The services of a project by environment."""

    project: str
    #: The names of the environments; one empty name if the project has none.
    environments: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows of a grid before deployments are read: services by environment."""

    project: str
    environments: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Outline]]

    @property
    def ids(self) -> Collection[int]:
        """The ids of the services in the rows."""
        return [each.id for row in self.rows.values() for each in row.values()]


def lay_out(
    project: str, outlines: Sequence[Outline], *, first: int = 0, most: int
) -> Layout:
    """Arrange the services of a project in rows, sorted by name.

    Args:
        project: The name of the project.
        outlines: Its services in their environments.
        first: The number of rows to skip.
        most: The maximum number of rows.
    """
    rows: dict[str, dict[str, Outline]] = {}
    for outline in outlines:
        name = split(outline.name)
        if name is not None:
            rows.setdefault(name.service, {})[name.environment] = outline
    found = {environment for row in rows.values() for environment in row}
    kept = sorted(rows)[first : first + most]
    return Layout(
        project,
        tuple(sorted(found - {""})) or ("",),
        {service: rows[service] for service in kept},
    )


def fill(
    layout: Layout,
    latest: Mapping[int, Deployment],
    brought: Mapping[int, LastSuccess],
) -> Grid:
    """Return the grid with the deployments of its services, by the service's id."""

    def cell(outline: Outline | None) -> Cell | None:
        name = split(outline.name) if outline else None
        if outline is None or name is None:
            return None
        last = brought.get(outline.id)
        version = last.version if last else ""
        return Cell(
            name, outline.error, outline.warning, latest.get(outline.id), version,
            last.id if last else None,
        )  # fmt: skip

    rows = tuple(
        Row(
            service,
            tuple(cell(row.get(environment)) for environment in layout.environments),
            cell(row.get("")) if "" not in layout.environments else None,
        )
        for service, row in layout.rows.items()
    )
    return Grid(layout.project, layout.environments, rows)
