"""The overview: projects and services, active deployments and nodes."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from app.domain.deployment import Deployment, Status
from app.domain.node import NodeState
from app.domain.service_name import split
from app.store import deployments, nodes, outcomes, projects, services
from app.store.outcomes import FinishedRun, LastSuccess
from app.store.services import Entry, Outline
from app.store.store import Store
from app.usecases import deploy, project_grid
from app.usecases.deploy import View
from app.usecases.project_grid import Grid, Layout

#: Maximum number of outcomes to show for each service.
OUTCOMES = 20
#: Maximum number of queued deployments to show; the others are counted.
WAITING = 50
#: Maximum number of services to show for each project.
ROWS = 20


@dataclass(frozen=True, slots=True)
class Glance:
    """A service with its latest deployment and its last outcomes, oldest first.

    A running deployment is the latest, even if newer ones are queued. `version` is the
    version of the last successful deployment, which has the id `brought_by`. It is
    empty if unknown.
    """

    entry: Entry
    latest: Deployment | None
    outcomes: Sequence[FinishedRun]
    version: str
    brought_by: int | None


@dataclass(frozen=True, slots=True)
class WaitingDeployment:
    """A queued deployment and its position in the queue of its service."""

    view: View
    position: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A snapshot of projects, services, active deployments and nodes."""

    projects: Sequence[Grid]
    #: The services that belong to no project.
    services: Sequence[Glance]
    begun: Sequence[View]
    #: The first queued deployments, oldest first; `unlisted` counts the others.
    waiting: Sequence[WaitingDeployment]
    unlisted: int
    #: The number of nodes in each state.
    nodes: dict[NodeState, int]


def look(store: Store) -> Overview:
    """Read the overview; the number of queries is constant."""
    with store.begin() as db:
        arranged = _arrange(services.outlines(db), projects.names(db))
        entries = services.find_all(db, arranged.alone)
        ended = outcomes.recent_of_each(db, OUTCOMES, arranged.alone)
        brought = outcomes.last_successful(db, arranged.ids)
        active = deployments.active(db)
        queued = [d for d in active if d.status is Status.QUEUED]
        listed = [d for d in active if d.status is not Status.QUEUED]
        latest = deployments.latest_of_each(db, arranged.ids)
        latest |= {d.service_id: d for d in listed}
        views = deploy.views_in(db, [*listed, *queued[:WAITING]])
        states = Counter(node.state for node in nodes.list_all(db))
    places = _places(queued)
    return Overview(
        projects=[
            replace(project_grid.fill(layout, latest, brought), problem=problem)
            for layout, problem in arranged.projects
        ],
        services=[
            _glance(e, latest.get(e.id), ended.get(e.id, ()), brought.get(e.id))
            for e in entries
        ],
        begun=views[: len(listed)],
        waiting=[
            WaitingDeployment(v, places[v.deployment.id]) for v in views[len(listed) :]
        ],
        unlisted=max(len(queued) - WAITING, 0),
        nodes={state: states[state] for state in NodeState if states[state]},
    )


@dataclass(frozen=True, slots=True)
class _Arrangement:
    """The services to show: those of projects, and the ids of the others."""

    #: The layout of each project, and the error in its description.
    projects: Sequence[tuple[Layout, str]]
    alone: Collection[int]

    @property
    def ids(self) -> Collection[int]:
        return [*self.alone, *(n for each, _ in self.projects for n in each.ids)]


def _arrange(outlines: Sequence[Outline], known: Collection[str]) -> _Arrangement:
    """Arrange the services by project; `known` has the names of projects."""
    alone: list[int] = []
    members: dict[str, list[Outline]] = {}
    problems: dict[str, str] = {}
    for outline in outlines:
        parts = split(outline.name)
        if parts is not None and parts.project:
            members.setdefault(parts.project, []).append(outline)
        elif outline.error and outline.name in known:
            # A project that can't be read is one entry with its own name.
            problems[outline.name] = outline.error
        else:
            alone.append(outline.id)
    return _Arrangement(
        [
            (
                project_grid.lay_out(name, members.get(name, ()), most=ROWS),
                problems.get(name, ""),
            )
            for name in sorted({*members, *problems})
        ],
        alone,
    )


def _glance(
    entry: Entry,
    latest: Deployment | None,
    ended: Sequence[FinishedRun],
    brought: LastSuccess | None,
) -> Glance:
    if brought is None:
        return Glance(entry, latest, ended, "", None)
    version = brought.version
    return Glance(entry, latest, ended, version, brought.id)


def _places(queued: Sequence[Deployment]) -> dict[int, int]:
    """Return the position of each deployment in its service's queue, from 1, by id."""
    seen: Counter[int] = Counter()
    places = {}
    for deployment in sorted(queued, key=lambda d: (-d.priority, d.id)):
        seen[deployment.service_id] += 1
        places[deployment.id] = seen[deployment.service_id]
    return places
