"""The nodes: heartbeats, the choice of a node for a deployment, and removal."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.deployment import Deployment, Outcome, Status
from app.domain.node import Node, NodeInstance, NodeState
from app.domain.steps import Steps
from app.errors import Conflict, NodeTaken, NotFound
from app.queue import Queue
from app.store import (
    audit,
    deployment_steps,
    deployments,
    node_deployments,
    nodes,
    services,
    syntax_checks,
)
from app.store.store import Store
from app.usecases import file_versions, record
from app.version import version


def beat(
    store: Store,
    name: str,
    *,
    me: NodeInstance,
    concurrency: int,
    draining: bool = False,
    starting: bool = False,
    key_ids: Sequence[str] = (),
    measure_lag: Callable[[Mapping[int, int]], tuple[int, float]] = lambda _: (0, 0.0),
) -> bool:
    """Store a node's heartbeat and take over jobs that other nodes can't start now.

    `measure_lag` is called with the recorded bytes of the node's active deployments by
    their ids, and returns how far their followers are behind, in bytes and seconds.
    `key_ids` are the ids of the node's secret keys, the one that encrypts first.
    Returns whether a sync of its services folder was requested. Raises NodeTaken if
    another instance has this name: each would consider the other's runs vanished.
    """
    with store.begin() as db:
        if not nodes.beat(
            db,
            name,
            me=me,
            version=version(),
            concurrency=concurrency,
            draining=draining,
            starting=starting,
            key_ids=key_ids,
        ):
            raise _taken(db, name, me)
        if starting:
            nodes.move_earlier_jobs(db, name)
        _take_over(db, name)
        nodes.set_lag(db, name, *measure_lag(node_deployments.offsets_on(db, name)))
        return nodes.take_sync(db, name)


def _taken(db: Connection, name: str, me: NodeInstance) -> NodeTaken:
    """Return the error that describes the instance with a node's name."""
    held = nodes.holder(db, name)
    identity, heartbeat_at = held or ("", datetime.now(UTC))
    if identity == me.identity:
        return NodeTaken(
            f"another worker runs as node {name}, with a copy of this one's folder: "
            "stop one of them. If this is the copy, as on a cloned machine, remove "
            "node-id from its FASTDEPLOY_VAR and give it a name of its own by "
            "FASTDEPLOY_NODE",
            heartbeat_at,
        )
    return NodeTaken(
        f"another node is called {name} and works with another folder; give "
        "this one a name of its own by FASTDEPLOY_NODE",
        heartbeat_at,
    )


def stop(store: Store, name: str, me: NodeInstance) -> None:
    """Store that a node's worker was stopped."""
    with store.begin() as db:
        nodes.stop(db, name, me)


def list_nodes(store: Store) -> list[Node]:
    """Return all nodes, sorted by name."""
    with store.begin() as db:
        return nodes.list_all(db)


def choose(db: Connection, service_id: int) -> str:
    """Choose the node for a deployment: the least busy one that has the service.

    Ready nodes are preferred. Raises Conflict if no node has the service.
    """
    where = nodes.registered(db, [service_id])[service_id]
    if not where:
        raise Conflict("no node has this service; run fastdeploy service sync on one")
    known = [node for node in nodes.list_all(db) if node.name in where]
    known.sort(key=lambda node: (node.state is not NodeState.READY, node.load))
    return known[0].name if known else where[0]


def missing(db: Connection, service_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Return the nodes of each service that has no ready node, by the service's id."""
    if not service_ids:
        return {}
    ready = {n.name for n in nodes.list_all(db) if n.state is NodeState.READY}
    where = nodes.registered(db, service_ids)
    return {
        service_id: tuple(names)
        for service_id, names in where.items()
        if not ready.intersection(names)
    }


def forget(store: Store, queue: Queue, actor: Actor, name: str) -> int:
    """Remove a node that will not come back; return the number of its active runs.

    Its started deployments end as failed. Raises NotAllowed, NotFound, and Conflict if
    the node is ready or draining.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        lost = _lost_with(db, name)
    for deployment in lost:
        file_versions.record(store, deployment)
    with store.begin() as db:
        lost = _lost_with(db, name)
        outcome = Outcome(
            Status.FAILED, f"node {name}, where it ran, was removed by {actor.name}"
        )
        for deployment in lost:
            # The node's worker may have come back and ended it meanwhile.
            locked = deployments.lock(db, deployment.id)
            if locked is None or locked.deployment.ended:
                continue
            if deployment.job_id is not None:
                queue.drop_job(db, deployment.job_id)
            steps = Steps(deployment_steps.steps_of(db, deployment.id))
            record.end(db, deployment, outcome, steps, None)
        nodes.forget(db, name)
        services.settle(db)
        syntax_checks.settle(db)
        audit.note(db, actor, Action.FORGET_NODE, name)
    return len(lost)


def _lost_with(db: Connection, name: str) -> list[Deployment]:
    """Return the active deployments of a node that is to be removed.

    Raises NotFound, and Conflict if the node is ready or draining.
    """
    found = {node.name: node for node in nodes.list_all(db)}.get(name)
    if found is None:
        raise NotFound(f"there is no node {name!r}")
    if found.state in {NodeState.READY, NodeState.DRAINING}:
        raise Conflict(f"node {name} is {found.state}; stop its worker first")
    return deployments.active_on(db, name)


def _take_over(db: Connection, name: str) -> None:
    """Take over waiting deployments that this node can run, if it has free capacity.

    They come from nodes that are not ready or have no free capacity.
    """
    there = {node.name: node for node in nodes.list_all(db)}
    room = there[name].room - there[name].waiting
    if room > 0:
        others = [node.name for node in there.values() if node.room]
        nodes.take_over(db, name, others, room)
