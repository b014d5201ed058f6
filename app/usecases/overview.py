"""Everything at a glance: services and how they went, what goes on, and the nodes."""

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

#: How many outcomes of each service are shown.
OUTCOMES = 20
#: How many of the deployments that wait are shown; of the others, the number.
WAITING = 50


@dataclass(frozen=True, slots=True)
class Glance:
    """A service with its latest deployment and its last outcomes, oldest first.

    One that runs is the latest, even if others already wait behind it.
    `version` is what runs now: what the last deployment that succeeded brought, which
    is the one of the number `brought_by`. It is empty if that is not known.
    """

    entry: Entry
    latest: Deployment | None
    outcomes: Sequence[FinishedRun]
    version: str
    brought_by: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued deployment, and its place among those of its service that wait."""

    view: View
    position: int


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, at one moment."""

    services: Sequence[Glance]
    begun: Sequence[View]
    #: The first ones that wait, oldest first; `unlisted` more of them do.
    waiting: Sequence[Waiting]
    unlisted: int
    #: How many nodes are in each state.
    nodes: dict[NodeState, int]


def look(store: Store) -> Overview:
    """Read the overview, in as many queries as there are kinds of things on it."""
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
    """The place of each in the queue of its service, from 1, by its number."""
    seen: Counter[int] = Counter()
    places = {}
    for deployment in sorted(queued, key=lambda d: (-d.priority, d.id)):
        seen[deployment.service_id] += 1
        places[deployment.id] = seen[deployment.service_id]
    return places
