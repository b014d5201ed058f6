"""The overview: services in rows, active deployments and nodes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from app.domain.access import Actor
from app.domain.dashboard import EVERYTHING, Condition, Filter, Group
from app.domain.deployment import Deployment, Status
from app.domain.node import NodeState
from app.errors import NotAllowed, NotFound
from app.store import (
    dashboard,
    dashboard_choices,
    dashboard_rows,
    deployments,
    favourites,
    nodes,
    projects,
)
from app.store.dashboard_choices import Choices
from app.store.dashboard_rows import FoundRows
from app.store.glances import Glance
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View

#: Maximum number of outcomes to show for each service.
OUTCOMES = 10
#: Maximum number of running and of queued deployments to show; others are counted.
RUNNING, WAITING = 8, 8
#: Maximum number of deployments to show that wait for an approval.
UNAPPROVED = 8
#: Maximum number of services on one page.
ROWS = 50


@dataclass(frozen=True, slots=True)
class WaitingDeployment:
    """A queued deployment and its position in the queue of its service."""

    view: View
    position: int


@dataclass(frozen=True, slots=True)
class Activity:
    """The active deployments, and the number of nodes in each state."""

    begun: Sequence[View]
    #: The number of started deployments that aren't in `begun`.
    unlisted_begun: int
    #: The first queued deployments, oldest first; `unlisted` counts the others.
    waiting: Sequence[WaitingDeployment]
    unlisted: int
    #: The first ones that wait for an approval, and the number of the others.
    unapproved: Sequence[View]
    unlisted_unapproved: int
    nodes: dict[NodeState, int]


@dataclass(frozen=True, slots=True)
class Overview:
    """A snapshot of active deployments and one page of services."""

    activity: Activity
    services: Sequence[Glance]
    #: The number of matching services on all pages, and by condition.
    total: int
    conditions: Mapping[Condition, int]
    #: The number of the page, from 1, and of the last one.
    page: int
    last: int
    #: Whether there is any service, matching or not.
    any: bool


def look(
    store: Store, wanted: Filter = EVERYTHING, *, user: str = "", page: int = 1
) -> Overview:
    """Read the overview; the number of queries is constant.

    Args:
        store: The store.
        wanted: Which services to list, and in which order.
        user: The user whose favourites are first; empty for none.
        page: The number of the page; a later one than the last is the last.
    """
    with store.begin() as db:
        activity = _activity(db)
        found = _page(db, wanted, user, page)
        if not found.rows and page > 1:
            page = max(-(-_page(db, wanted, user, 1).total // ROWS), 1)
            found = _page(db, wanted, user, page)
        return Overview(
            activity=activity,
            services=_with_unreadable(db, found.rows),
            total=found.total,
            conditions=found.conditions,
            page=page,
            last=max(-(-found.total // ROWS), 1),
            any=bool(found.total) or dashboard.exist(db),
        )


def choices(store: Store) -> Choices:
    """Return the values of the filters that occur."""
    with store.begin() as db:
        return dashboard_choices.choices(db)


def set_favourite(store: Store, actor: Actor, service: str, *, chosen: bool) -> None:
    """Make a service a favourite of the user, or remove it from the favourites.

    Raises NotAllowed for a token, which belongs to no user, and NotFound.
    """
    if actor.user_id is None:
        raise NotAllowed("a token has no favourites; log in as a user")
    with store.begin() as db:
        if not chosen:
            favourites.remove(db, actor.name, service)
        elif not favourites.add(db, actor.name, service):
            raise NotFound(f"there is no service {service!r}")


def _activity(db: Connection) -> Activity:
    active = deployments.active(db)
    queued = [d for d in active if d.status is Status.QUEUED]
    unapproved = [d for d in active if d.status is Status.WAITING_FOR_APPROVAL]
    begun = [d for d in active if d.started_at is not None]
    views = deploy.views_in(
        db, [*unapproved[:UNAPPROVED], *begun[:RUNNING], *queued[:WAITING]]
    )
    states = Counter(nodes.states(db))
    positions = _positions(queued)
    first = len(unapproved[:UNAPPROVED])
    last = first + len(begun[:RUNNING])
    return Activity(
        begun=views[first:last],
        unlisted_begun=max(len(begun) - RUNNING, 0),
        waiting=[
            WaitingDeployment(v, positions[v.deployment.id]) for v in views[last:]
        ],
        unapproved=views[:first],
        unlisted_unapproved=max(len(unapproved) - UNAPPROVED, 0),
        unlisted=max(len(queued) - WAITING, 0),
        nodes={state: states[state] for state in NodeState if states[state]},
    )


def _page(db: Connection, wanted: Filter, user: str, page: int) -> FoundRows:
    return dashboard_rows.find(
        db, wanted, user, skip=(page - 1) * ROWS, limit=ROWS, outcomes=OUTCOMES
    )


def _with_unreadable(db: Connection, rows: Sequence[Glance]) -> Sequence[Glance]:
    """Mark the rows of projects whose description can't be read."""
    # Only such a project has an error and its own name.
    if not any(row.line.lead.error for row in rows):
        return rows
    known = projects.names(db)
    return [
        replace(row, unreadable=row.line.name in known and bool(row.line.lead.error))
        for row in rows
    ]


def group_of(row: Glance, group: Group | None) -> str | None:
    """Return what the rows of its group have in common; None without groups."""
    line = row.line
    if line.favourite:
        return "Favourites"
    if group is Group.PROJECT:
        return line.project or "Without a project"
    if group is Group.STATUS:
        return line.lead.condition.capitalize()
    if group is Group.LABEL:
        return line.labels[0] if line.labels else "Without a label"
    return None


def _positions(queued: Sequence[Deployment]) -> dict[int, int]:
    """Return the position of each deployment in its service's queue, from 1, by id."""
    seen: Counter[int] = Counter()
    positions = {}
    for deployment in sorted(queued, key=lambda d: (-d.priority, d.id)):
        seen[deployment.service_id] += 1
        positions[deployment.id] = seen[deployment.service_id]
    return positions
