"""Deployments and their steps in PostgreSQL."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    false,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from app.domain.deployment import Deployment, Origin, Status
from app.domain.events import StepState
from app.domain.run_warning import RunWarning
from app.domain.service import Service
from app.domain.steps import Step
from app.store.nodes import silent
from app.store.tables import deployments, nodes, seconds_of_step, services, steps

#: The highest number that a deployment can have.
MAX_ID = 2**63 - 1
#: How many earlier successful runs an estimate looks at.
ESTIMATE_FROM = 10


@dataclass(frozen=True, slots=True)
class LockedDeployment:
    """What a worker needs of a deployment, beyond what people see of it."""

    deployment: Deployment
    secrets: bytes | None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An idempotency key of an actor, and the fingerprint of the request with it."""

    actor: str
    value: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeployment:
    """A deployment that somebody asks for; `secrets` are sealed variables."""

    service_id: int
    service: Service
    actor: str
    origin: Origin
    variables: Mapping[str, Any]
    priority: int
    secrets: bytes | None = None
    key: IdempotencyKey | None = None
    retry_of: int | None = None


def add(db: Connection, wanted: NewDeployment, now: datetime) -> int:
    """Insert a queued deployment and return its number."""
    number: int = db.execute(
        insert(deployments)
        .values(
            service_id=wanted.service_id,
            config=wanted.service.model_dump(mode="json"),
            status=Status.QUEUED,
            actor=wanted.actor,
            origin=wanted.origin,
            variables=wanted.variables,
            secrets=wanted.secrets,
            idempotency_key=wanted.key.value if wanted.key else None,
            fingerprint=wanted.key.fingerprint if wanted.key else None,
            priority=wanted.priority,
            retry_of=wanted.retry_of,
            created_at=now,
        )
        .returning(deployments.c.id)
    ).scalar_one()
    return number


def lock_key(db: Connection, key: IdempotencyKey) -> None:
    """Make others with the same idempotency key wait until the transaction ends."""
    lock = func.hashtextextended(f"{key.actor} {key.value}", 0)
    db.execute(select(func.pg_advisory_xact_lock(lock)))


def find_by_key(db: Connection, key: IdempotencyKey) -> tuple[int, bytes | None] | None:
    """The deployment with this actor's idempotency key, and its fingerprint.

    A key that was stored by an earlier release has no fingerprint.
    """
    c = deployments.c
    row = db.execute(
        select(c.id, c.fingerprint).where(
            c.actor == key.actor, c.idempotency_key == key.value
        )
    ).one_or_none()
    return None if row is None else (row.id, row.fingerprint)


def set_job(db: Connection, deployment_id: int, job_id: int) -> None:
    """Record the queue's job for a new deployment; its first event is written."""
    _update(db, deployment_id, last_event=1, job_id=job_id)


def request_cancel(
    db: Connection, deployment_id: int, actor: str, now: datetime
) -> None:
    """Record who asks that a deployment is canceled."""
    _update(db, deployment_id, cancel_requested_by=actor, cancel_requested_at=now)


def mark_pruned(db: Connection, deployment_id: int, now: datetime) -> None:
    """Record that the output of a deployment was deleted."""
    _update(db, deployment_id, pruned_at=now)


def _update(db: Connection, deployment_id: int, **values: object) -> None:
    # A status is written by `transitions.transition` alone.
    db.execute(
        update(deployments).where(deployments.c.id == deployment_id).values(**values)
    )


def advance(
    db: Connection, deployment_id: int, *, was: tuple[int, int], now: tuple[int, int]
) -> bool:
    """Move a deployment on in its journal: (offset, number of the last event).

    False if it is not where the caller thought it was: somebody else follows it.
    """
    found = db.execute(
        update(deployments)
        .where(
            deployments.c.id == deployment_id,
            deployments.c.journal_offset == was[0],
            deployments.c.last_event == was[1],
            deployments.c.finished_at.is_(None),
        )
        .values(journal_offset=now[0], last_event=now[1])
    )
    return found.rowcount == 1


def find(db: Connection, deployment_id: int) -> Deployment | None:
    """The deployment of that number."""
    if deployment_id > MAX_ID:
        return None
    row = db.execute(_selected().where(deployments.c.id == deployment_id)).one_or_none()
    return None if row is None else _deployment(row)


def cancel_requested_by(db: Connection, deployment_id: int) -> str | None:
    """Who asked that the deployment of that number ends, if anybody did."""
    found: str | None = db.scalar(
        select(deployments.c.cancel_requested_by).where(
            deployments.c.id == deployment_id
        )
    )
    return found


def lock(db: Connection, deployment_id: int) -> LockedDeployment | None:
    """The deployment of that number, locked until the transaction ends."""
    if deployment_id > MAX_ID:
        return None
    row = db.execute(
        _selected(deployments.c.secrets)
        .where(deployments.c.id == deployment_id)
        .with_for_update(of=deployments)
    ).one_or_none()
    return None if row is None else LockedDeployment(_deployment(row), row.secrets)


def newest_first(db: Connection, numbers: Collection[int]) -> list[Deployment]:
    """The deployments of these numbers, the highest first."""
    query = _selected().where(deployments.c.id.in_(numbers))
    rows = db.execute(query.order_by(deployments.c.id.desc()))
    return [_deployment(row) for row in rows]


def latest_of_each(db: Connection) -> dict[int, Deployment]:
    """The latest deployment of every service, by the service's id."""
    newest = (
        select(deployments.c.id)
        .where(deployments.c.service_id == services.c.id)
        .order_by(deployments.c.id.desc())
        .limit(1)
        .correlate(services)
        .scalar_subquery()
    )
    rows = db.execute(_selected().where(deployments.c.id == newest))
    return {row.service_id: _deployment(row) for row in rows}


def active(db: Connection) -> list[Deployment]:
    """The deployments that have not ended, oldest first."""
    query = _selected().where(deployments.c.finished_at.is_(None))
    return [_deployment(row) for row in db.execute(query.order_by(deployments.c.id))]


def count_ahead(db: Connection, numbers: Collection[int]) -> dict[int, int]:
    """How many unfinished deployments of the same service come before each of these."""
    other = deployments.alias("other")
    ahead = (
        select(func.count())
        .select_from(other)
        .where(
            other.c.service_id == deployments.c.service_id,
            other.c.id != deployments.c.id,
            other.c.finished_at.is_(None),
            (other.c.status != Status.QUEUED.value)
            | (other.c.priority > deployments.c.priority)
            | (
                (other.c.priority == deployments.c.priority)
                & (other.c.id < deployments.c.id)
            ),
        )
        .correlate(deployments)
        .scalar_subquery()
    )
    rows = db.execute(
        select(deployments.c.id, ahead).where(deployments.c.id.in_(numbers))
    )
    return {row[0]: row[1] for row in rows}


def steps_of(db: Connection, deployment_id: int) -> list[Step]:
    """The steps of a deployment in their order."""
    return steps_of_each(db, [deployment_id])[deployment_id]


def steps_of_each(db: Connection, numbers: Collection[int]) -> dict[int, list[Step]]:
    """The steps of each of these deployments in their order."""
    found: dict[int, list[Step]] = {number: [] for number in numbers}
    rows = db.execute(
        select(steps)
        .where(steps.c.deployment_id.in_(numbers))
        .order_by(steps.c.deployment_id, steps.c.position)
    )
    for row in rows:
        found[row.deployment_id].append(
            Step(row.position, row.name, row.declared, StepState(row.state),
                 row.message, row.started_at, row.finished_at, tuple(row.failed_hosts))
        )  # fmt: skip
    return found


def put_steps(db: Connection, deployment_id: int, changed: Iterable[Step]) -> None:
    """Insert or update steps."""
    rows = [
        {
            "deployment_id": deployment_id,
            "position": step.position,
            "name": step.name,
            "declared": step.declared,
            "state": step.state,
            "message": step.message,
            "started_at": step.started_at,
            "finished_at": step.finished_at,
            "failed_hosts": list(step.failed_hosts),
        }
        for step in changed
    ]
    if not rows:
        return
    statement = upsert(steps)
    fresh = {
        name: statement.excluded[name]
        for name in ("state", "message", "started_at", "finished_at", "failed_hosts")
    }
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["deployment_id", "position"], set_=fresh
        ),
        rows,
    )


def usual_durations(
    db: Connection, numbers: Collection[int]
) -> dict[int, dict[str, float]]:
    """Median seconds of each step in the last successful runs before each of these."""
    earlier = deployments.alias("earlier")
    recent = (
        select(earlier.c.id)
        .where(
            earlier.c.service_id == deployments.c.service_id,
            earlier.c.id < deployments.c.id,
            earlier.c.status == Status.SUCCESSFUL.value,
        )
        .order_by(earlier.c.id.desc())
        .limit(ESTIMATE_FROM)
        .correlate(deployments)
        .lateral("recent")
    )
    rows = db.execute(
        select(
            deployments.c.id,
            steps.c.name,
            func.percentile_cont(0.5).within_group(seconds_of_step),
        )
        .select_from(deployments)
        .join(recent, true())
        .join(steps, steps.c.deployment_id == recent.c.id)
        .where(
            deployments.c.id.in_(numbers),
            steps.c.finished_at.is_not(None),
            steps.c.started_at.is_not(None),
        )
        .group_by(deployments.c.id, steps.c.name)
    )
    found: dict[int, dict[str, float]] = {number: {} for number in numbers}
    for number, name, median in rows:
        found[number][name] = float(median)
    return found


def active_on(db: Connection, node: str) -> list[Deployment]:
    """The deployments that a node has begun and that have not ended, oldest first."""
    query = _selected().where(
        deployments.c.node == node, deployments.c.finished_at.is_(None)
    )
    return [_deployment(row) for row in db.execute(query.order_by(deployments.c.id))]


def existing_ids(db: Connection, numbers: Collection[int]) -> set[int]:
    """Those of these numbers that are a deployment's."""
    found = select(deployments.c.id).where(deployments.c.id.in_(numbers))
    return set(db.scalars(found))


def node_of_job(db: Connection, job_id: int) -> str | None:
    """The node that has begun the deployment of a job, if one has."""
    return db.scalar(select(deployments.c.node).where(deployments.c.job_id == job_id))


def lock_queued(db: Connection, service_id: int, before: int) -> list[Deployment]:
    """The deployments of a service that wait, numbered below `before`; locked."""
    query = (
        _selected()
        .where(
            deployments.c.service_id == service_id,
            deployments.c.id < before,
            deployments.c.status == Status.QUEUED.value,
            deployments.c.finished_at.is_(None),
        )
        .with_for_update(of=deployments)
        .order_by(deployments.c.id)
    )
    return [_deployment(row) for row in db.execute(query)]


@dataclass(frozen=True, slots=True)
class PrunableDeployment:
    """A deployment whose output may go; `journal_offset` is the journal's size."""

    id: int
    journal_offset: int


def list_prunable(
    db: Connection,
    service_id: int,
    *,
    node: str,
    before: datetime | None,
    count: int | None,
    size: int | None,
) -> list[PrunableDeployment]:
    """Ended deployments of a service beyond any limit, oldest first.

    Counted from the newest: those behind the first `count`, those with which the
    journals' bytes exceed `size`, and those that ended before `before`. Of these, the
    ones that lie on this node, or on none.
    """
    newest_first = deployments.c.id.desc()
    ranked = (
        select(
            deployments.c.id,
            deployments.c.journal_offset,
            deployments.c.node,
            deployments.c.finished_at,
            func.row_number().over(order_by=newest_first).label("rank"),
            func.sum(deployments.c.journal_offset)
            .over(order_by=newest_first)
            .label("sum"),
        )
        .where(
            deployments.c.service_id == service_id,
            deployments.c.finished_at.is_not(None),
            deployments.c.pruned_at.is_(None),
        )
        .subquery()
    )
    limits: list[ColumnElement[bool]] = []
    if before is not None:
        limits.append(ranked.c.finished_at < before)
    if count is not None:
        limits.append(ranked.c.rank > count)
    if size is not None:
        limits.append(ranked.c.sum > size)
    rows = db.execute(
        select(ranked.c.id, ranked.c.journal_offset)
        .where(or_(false(), *limits))
        .where((ranked.c.node == node) | ranked.c.node.is_(None))
        .order_by(ranked.c.id)
    )
    return [PrunableDeployment(row.id, row.journal_offset) for row in rows]


def _selected(*more: ColumnElement[Any]) -> Select[Any]:
    unreachable = deployments.c.finished_at.is_(None) & silent()
    return (
        select(
            deployments,
            services.c.name.label("service_name"),
            func.coalesce(unreachable, false()).label("unreachable"),
            *more,
        )
        .join_from(deployments, services)
        .outerjoin(nodes, nodes.c.name == deployments.c.node)
    )


def _deployment(row: Row[Any]) -> Deployment:
    return Deployment(
        id=row.id,
        service_id=row.service_id,
        service_name=row.service_name,
        service=Service.model_validate(row.config),
        status=Status(row.status),
        reason=row.reason,
        actor=row.actor,
        origin=Origin(row.origin),
        variables=row.variables,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        exit_code=row.exit_code,
        node=row.node,
        journal_offset=row.journal_offset,
        last_event=row.last_event,
        job_id=row.job_id,
        pruned_at=row.pruned_at,
        priority=row.priority,
        retry_of=row.retry_of,
        cancel_requested_by=row.cancel_requested_by,
        warnings=tuple(map(RunWarning.from_json, row.warnings or ())),
        unreachable=row.unreachable,
    )
