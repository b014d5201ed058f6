"""The overview: services with their outcomes, active deployments and nodes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.deployment import Deployment, Status
from app.domain.node import NodeState
from app.domain.version import version_of
from app.store import deployments, nodes, outcomes, services
from app.store.outcomes import FinishedRun, LastSuccess
from app.store.services import Entry
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View

#: Maximum number of outcomes to show for each service.
OUTCOMES = 20
#: Maximum number of queued deployments to show; the others are counted.
WAITING = 50


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
class Waiting:
    """A queued deployment and its position in the queue of its service."""

    view: View
    position: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A snapshot of services, active deployments and nodes."""

    services: Sequence[Glance]
    begun: Sequence[View]
    #: The first queued deployments, oldest first; `unlisted` counts the others.
    waiting: Sequence[Waiting]
    unlisted: int
    #: The number of nodes in each state.
    nodes: dict[NodeState, int]


def look(store: Store) -> Overview:
    """Read the overview; the number of queries is constant."""
    with store.begin() as db:
        entries = services.list_all(db)
        ended = outcomes.recent_of_each(db, OUTCOMES)
        brought = outcomes.last_successful(db)
        active = deployments.active(db)
        queued = [d for d in active if d.status is Status.QUEUED]
        listed = [d for d in active if d.status is not Status.QUEUED]
        latest = deployments.latest_of_each(db) | {d.service_id: d for d in listed}
        views = deploy.views_in(db, [*listed, *queued[:WAITING]])
        states = Counter(node.state for node in nodes.list_all(db))
    places = _places(queued)
    return Overview(
        services=[
            _glance(e, latest.get(e.id), ended.get(e.id, ()), brought.get(e.id))
            for e in entries
        ],
        begun=views[: len(listed)],
        waiting=[Waiting(v, places[v.deployment.id]) for v in views[len(listed) :]],
        unlisted=max(len(queued) - WAITING, 0),
        nodes={state: states[state] for state in NodeState if states[state]},
    )


def _glance(
    entry: Entry,
    latest: Deployment | None,
    ended: Sequence[FinishedRun],
    brought: LastSuccess | None,
) -> Glance:
    if brought is None:
        return Glance(entry, latest, ended, "", None)
    version = version_of(brought.service, brought.variables)
    return Glance(entry, latest, ended, version, brought.id)


def _places(queued: Sequence[Deployment]) -> dict[int, int]:
    """Return the position of each deployment in its service's queue, from 1, by id."""
    seen: Counter[int] = Counter()
    places = {}
    for deployment in sorted(queued, key=lambda d: (-d.priority, d.id)):
        seen[deployment.service_id] += 1
        places[deployment.id] = seen[deployment.service_id]
    return places
