"""The nodes in PostgreSQL: their heartbeats and their queues.

Only PostgreSQL's clock decides whether a node is away, since the clocks of hosts
differ.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.domain.node import (
    AWAY_AFTER,
    Node,
    NodeInstance,
    NodeState,
    begun_queue_of,
    earlier_begun_queue_of,
    earlier_queue_of,
    judge_state,
    queue_of,
)
from app.store.deployment_tables import deployments
from app.store.service_tables import nodes, registrations


def silent() -> ColumnElement[bool]:
    """Return the condition that a node's last heartbeat is too old."""
    return nodes.c.heartbeat_at < func.now() - timedelta(seconds=AWAY_AFTER)


def beat(
    db: Connection,
    name: str,
    *,
    me: NodeInstance,
    version: str,
    concurrency: int,
    draining: bool,
    starting: bool,
    key_ids: Sequence[str],
) -> bool:
    """Store a node's heartbeat; return False if another instance has its name.

    The name is free if the other instance is stopped or away, or if a starting
    instance has the same identity and place.
    """
    known = {
        "identity": me.identity,
        "instance": me.instance,
        "place": me.place,
        "version": version,
        "concurrency": concurrency,
        "draining": draining,
        "key_ids": list(key_ids),
    }
    fresh = known | {"heartbeat_at": func.now(), "stopped_at": None}
    if starting:
        fresh["started_at"] = func.now()
    mine = nodes.c.identity == me.identity
    own = nodes.c.place == me.place if starting else nodes.c.instance == me.instance
    kept = db.scalar(
        insert(nodes)
        .values(name=name, **known)
        .on_conflict_do_update(
            index_elements=["name"],
            set_=fresh,
            where=or_(
                and_(mine, own),
                nodes.c.stopped_at.is_not(None),
                silent(),
            ),
        )
        .returning(nodes.c.name)
    )
    return kept is not None


def holder(db: Connection, name: str) -> tuple[str, datetime] | None:
    """Return the identity that has a node's name, and its last heartbeat."""
    row = db.execute(
        select(nodes.c.identity, nodes.c.heartbeat_at).where(nodes.c.name == name)
    ).one_or_none()
    return None if row is None else (row.identity, row.heartbeat_at)


def stop(db: Connection, name: str, me: NodeInstance) -> None:
    """Store that a node's worker was stopped."""
    db.execute(
        update(nodes)
        .where(
            nodes.c.name == name,
            nodes.c.identity == me.identity,
            nodes.c.instance == me.instance,
        )
        .values(stopped_at=func.now())
    )


def set_lag(db: Connection, name: str, size: int, seconds: float) -> None:
    """Store how far the followers of a node's runs are behind."""
    db.execute(
        update(nodes)
        .where(nodes.c.name == name)
        .values(lag_bytes=size, lag_seconds=seconds)
    )


def ask_sync(db: Connection, *, but: str) -> None:
    """Request a sync of the services folder from every node except one."""
    db.execute(
        update(nodes).where(nodes.c.name != but).values(sync_asked_at=func.now())
    )


def take_sync(db: Connection, name: str) -> bool:
    """Return whether a sync was requested from a node, and clear the request."""
    taken = db.execute(
        update(nodes)
        .where(nodes.c.name == name, nodes.c.sync_asked_at.is_not(None))
        .values(sync_asked_at=None)
    )
    return taken.rowcount == 1


def states(db: Connection) -> list[NodeState]:
    """Return the state of each node."""
    return [_state(row) for row in db.execute(_STATES)]


def list_all(db: Connection) -> list[Node]:
    """Return all nodes, sorted by name."""
    running = (
        select(func.count())
        .where(deployments.c.node == nodes.c.name, deployments.c.finished_at.is_(None))
        .scalar_subquery()
    )
    services = (
        select(func.count())
        .where(registrations.c.node == nodes.c.name, registrations.c.error == "")
        .scalar_subquery()
    )
    rows = db.execute(
        select(
            nodes,
            silent().label("silent"),
            running.label("running"),
            services.label("services"),
        ).order_by(nodes.c.name)
    )
    waiting = _waiting(db)
    return [_node(row, waiting.get(queue_of(row.name), 0)) for row in rows]


def registered(db: Connection, service_ids: Collection[int]) -> dict[int, list[str]]:
    """Return the nodes on which each of these services can be deployed, sorted."""
    found: dict[int, list[str]] = {service_id: [] for service_id in service_ids}
    rows = db.execute(
        select(registrations.c.service_id, registrations.c.node)
        .where(registrations.c.service_id.in_(found), registrations.c.error == "")
        .order_by(registrations.c.node)
    )
    for row in rows:
        found[row.service_id].append(row.node)
    return found


def take_over(db: Connection, name: str, others: list[str], limit: int) -> list[int]:
    """Move up to `limit` waiting jobs to a node's own queue; return their ids.

    The jobs are of deployments that haven't started, of services that are valid on the
    node, and from all queues except those of the `others`.
    """
    taken = db.scalars(
        text(
            "UPDATE procrastinate_jobs SET queue_name = :mine WHERE id IN ("
            "SELECT job.id FROM procrastinate_jobs AS job "
            "JOIN deployments ON deployments.job_id = job.id "
            "JOIN registrations ON registrations.service_id = deployments.service_id "
            "AND registrations.node = :name AND registrations.error = '' "
            "WHERE job.status = 'todo' AND job.queue_name <> ALL(:kept) "
            "AND deployments.node IS NULL AND deployments.finished_at IS NULL "
            "ORDER BY job.priority DESC, job.id LIMIT :limit "
            "FOR UPDATE OF job SKIP LOCKED) RETURNING id"
        ),
        {
            "mine": queue_of(name),
            "name": name,
            "kept": [queue_of(other) for other in (name, *others)],
            "limit": limit,
        },
    )
    return list(taken)


def forget(db: Connection, name: str) -> bool:
    """Remove a node and its registrations; return False if not found."""
    db.execute(delete(registrations).where(registrations.c.node == name))
    return db.execute(delete(nodes).where(nodes.c.name == name)).rowcount == 1


def rename(db: Connection, was: str, name: str) -> bool:
    """Rename a node in all tables and queues; return False if the name is taken."""
    if was == name:
        return True
    if db.scalar(select(nodes.c.name).where(nodes.c.name == name)) is not None:
        return False
    move_earlier_jobs(db, was)
    db.execute(update(nodes).where(nodes.c.name == was).values(name=name))
    for table in (registrations, deployments):
        db.execute(update(table).where(table.c.node == was).values(node=name))
    for queue in (queue_of, begun_queue_of):
        _move_jobs(db, queue(was), queue(name))
    return True


def move_earlier_jobs(db: Connection, name: str) -> None:
    """Move a node's jobs from the queues of an earlier release to the current ones."""
    for before, now in (
        (earlier_queue_of(name), queue_of(name)),
        (earlier_begun_queue_of(name), begun_queue_of(name)),
    ):
        if before != now:
            _move_jobs(db, before, now)


def _move_jobs(db: Connection, before: str, now: str) -> None:
    db.execute(
        text(
            "UPDATE procrastinate_jobs SET queue_name = :now WHERE queue_name = :before"
        ),
        {"before": before, "now": now},
    )


def _waiting(db: Connection) -> dict[str, int]:
    rows = db.execute(
        text(
            # The join leaves out the jobs of deployments that an actor may not see.
            "SELECT queue_name, count(*) AS waiting FROM procrastinate_jobs AS job "
            "JOIN deployments ON deployments.job_id = job.id "
            "WHERE job.status = 'todo' GROUP BY queue_name"
        )
    )
    return {row.queue_name: row.waiting for row in rows}


#: The query of what the state of a node depends on.
_STATES = select(silent().label("silent"), nodes.c.stopped_at, nodes.c.draining)


def _state(row: Row[Any]) -> NodeState:
    return judge_state(
        silent=row.silent, stopped_at=row.stopped_at, draining=row.draining
    )


def _node(row: Row[Any], waiting: int) -> Node:
    return Node(
        name=row.name,
        version=row.version,
        concurrency=row.concurrency,
        state=_state(row),
        started_at=row.started_at,
        heartbeat_at=row.heartbeat_at,
        running=row.running,
        waiting=waiting,
        services=row.services,
        key_ids=tuple(row.key_ids),
    )
