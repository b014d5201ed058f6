"""Deployments in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
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
    select,
    update,
)

from app.domain.deployment import Deployment, Origin, Status
from app.domain.options import NO_OPTIONS, Options, is_partial
from app.domain.retry import RetryScope
from app.domain.run_warning import RunWarning
from app.domain.service import Service
from app.store import service_json
from app.store.among import among
from app.store.deployment_tables import deployments
from app.store.idempotency_keys import IdempotencyKey
from app.store.nodes import silent
from app.store.service_tables import nodes, services

#: The largest id that a deployment can have.
MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class LockedDeployment:
    """A locked deployment with its encrypted secret variables."""

    deployment: Deployment
    secrets: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeployment:
    """A deployment to insert; `secrets` are encrypted variables."""

    service_id: int
    service: Service
    actor: str
    origin: Origin
    variables: Mapping[str, Any]
    priority: int
    options: Options = NO_OPTIONS
    secrets: bytes | None = None
    key: IdempotencyKey | None = None
    retry_of: int | None = None
    retry_scope: RetryScope | None = None
    hosts: Sequence[str] | None = None
    completes: bool = False
    ref: str = ""


def add(
    db: Connection, new: NewDeployment, now: datetime, status: Status = Status.QUEUED
) -> int:
    """Insert a deployment and return its id; its first event is written next."""
    number: int = db.execute(
        insert(deployments)
        .values(
            service_id=new.service_id,
            config=new.service.model_dump(mode="json"),
            status=status,
            actor=new.actor,
            origin=new.origin,
            variables=new.variables,
            options=new.options.given or None,
            partial=new.hosts is not None
            or is_partial(new.options, new.service.option_defaults),
            secrets=new.secrets,
            idempotency_key=new.key.value if new.key else None,
            fingerprint=new.key.fingerprint if new.key else None,
            key_owner=new.key.owner if new.key else None,
            priority=new.priority,
            retry_of=new.retry_of,
            retry_scope=new.retry_scope,
            hosts=None if new.hosts is None else list(new.hosts),
            completes=new.completes,
            commit=new.service.project.commit if new.service.project else "",
            ref=new.ref,
            created_at=now,
            last_event=1,
        )
        .returning(deployments.c.id)
    ).scalar_one()
    return number


def set_job(db: Connection, deployment_id: int, job_id: int) -> None:
    """Store the job of a deployment that is queued."""
    _update(db, deployment_id, job_id=job_id)


def request_cancel(
    db: Connection, deployment_id: int, actor: str, now: datetime
) -> None:
    """Store the actor who requested a cancellation."""
    _update(db, deployment_id, cancel_requested_by=actor, cancel_requested_at=now)


def set_working_tree(
    db: Connection, deployment_id: int, commit: str, changes: str
) -> None:
    """Store the commit of a project's folder and a digest of its changes."""
    _update(db, deployment_id, commit=commit, changes=changes)


def set_secrets(db: Connection, deployment_id: int, sealed: bytes | None) -> None:
    """Store the encrypted secrets of a deployment, which the caller has locked."""
    _update(db, deployment_id, secrets=sealed)


def mark_pruned(db: Connection, deployment_id: int, now: datetime) -> None:
    """Store that the output of a deployment was deleted."""
    _update(db, deployment_id, pruned_at=now)


def _update(db: Connection, deployment_id: int, **values: object) -> None:
    # Only `transitions.transition` writes a status.
    db.execute(
        update(deployments).where(deployments.c.id == deployment_id).values(**values)
    )


def advance(
    db: Connection, deployment_id: int, *, was: tuple[int, int], now: tuple[int, int]
) -> bool:
    """Advance a deployment in its journal: (offset, number of the last event).

    Returns False if it isn't at `was` or has ended: another worker follows it.
    """
    result = db.execute(
        update(deployments)
        .where(
            deployments.c.id == deployment_id,
            deployments.c.journal_offset == was[0],
            deployments.c.last_event == was[1],
            deployments.c.finished_at.is_(None),
        )
        .values(journal_offset=now[0], last_event=now[1])
    )
    return result.rowcount == 1


def find(db: Connection, deployment_id: int) -> Deployment | None:
    """Return the deployment with this id."""
    if deployment_id > MAX_ID:
        return None
    row = db.execute(_selected().where(deployments.c.id == deployment_id)).one_or_none()
    return None if row is None else _deployment(row)


def cancel_requested_by(db: Connection, deployment_id: int) -> str | None:
    """Return the actor who requested a cancellation, if any."""
    actor: str | None = db.scalar(
        select(deployments.c.cancel_requested_by).where(
            deployments.c.id == deployment_id
        )
    )
    return actor


def lock(db: Connection, deployment_id: int) -> LockedDeployment | None:
    """Lock the deployment with this id until the transaction ends, and return it."""
    if deployment_id > MAX_ID:
        return None
    row = db.execute(
        _selected(deployments.c.secrets)
        .where(deployments.c.id == deployment_id)
        .with_for_update(of=deployments)
    ).one_or_none()
    return None if row is None else LockedDeployment(_deployment(row), row.secrets)


def newest_first(db: Connection, numbers: Collection[int]) -> list[Deployment]:
    """Return the deployments with these ids, highest first."""
    return list(map(_deployment, db.execute(_NEWEST_FIRST, {"ids": list(numbers)})))


def latest_of_each(
    db: Connection, ids: Collection[int] | None = None
) -> dict[int, Deployment]:
    """Return the latest deployment of each service, by the service's id.

    With `ids`, only of the services with these ids.
    """
    newest = (
        select(deployments.c.id)
        .where(deployments.c.service_id == services.c.id)
        .order_by(deployments.c.id.desc())
        .limit(1)
        .correlate(services)
        .scalar_subquery()
    )
    query = _selected().where(deployments.c.id == newest)
    if ids is not None:
        query = query.where(services.c.id.in_(ids))
    return {row.service_id: _deployment(row) for row in db.execute(query)}


def active(db: Connection) -> list[Deployment]:
    """Return the deployments that have not ended, oldest first."""
    return list(map(_deployment, db.execute(_ACTIVE)))


def active_on(db: Connection, node: str) -> list[Deployment]:
    """Return the started deployments of a node that have not ended, oldest first."""
    rows = db.execute(_ACTIVE.where(deployments.c.node == node))
    return list(map(_deployment, rows))


def existing_ids(db: Connection, numbers: Collection[int]) -> set[int]:
    """Return the ids that exist."""
    query = select(deployments.c.id).where(deployments.c.id.in_(numbers))
    return set(db.scalars(query))


def lock_others(
    db: Connection, service_id: int, status: Status, but: int
) -> list[Deployment]:
    """Lock and return the deployments of a service in a status, except `but`."""
    query = (
        _selected()
        .where(
            deployments.c.service_id == service_id,
            deployments.c.id != but,
            deployments.c.status == status.value,
            deployments.c.finished_at.is_(None),
        )
        .with_for_update(of=deployments)
        .order_by(deployments.c.id)
    )
    return [_deployment(row) for row in db.execute(query)]


def _selected(*more: ColumnElement[Any]) -> Select[Any]:
    unreachable = deployments.c.finished_at.is_(None) & silent()
    return (
        select(
            *service_json.columns(deployments),
            services.c.name.label("service_name"),
            func.coalesce(unreachable, false()).label("unreachable"),
            *more,
        )
        .join_from(deployments, services)
        .outerjoin(nodes, nodes.c.name == deployments.c.node)
    )


_c = deployments.c
#: The query of the deployments that have not ended, and that of the deployments `ids`.
_ACTIVE = _selected().where(_c.finished_at.is_(None)).order_by(_c.id)
_NEWEST_FIRST = _selected().where(among(_c.id)).order_by(_c.id.desc())


def _deployment(row: Row[Any]) -> Deployment:
    return Deployment(
        id=row.id,
        service_id=row.service_id,
        service_name=row.service_name,
        service=service_json.parse(row.config),
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
        commit=row.commit,
        ref=row.ref,
        changes=row.changes,
        options=Options.model_validate(row.options) if row.options else NO_OPTIONS,
        partial=row.partial,
        retry_of=row.retry_of,
        retry_scope=RetryScope(row.retry_scope) if row.retry_scope else None,
        hosts=None if row.hosts is None else tuple(row.hosts),
        completes=row.completes,
        cancel_requested_by=row.cancel_requested_by,
        warnings=tuple(map(RunWarning.from_json, row.warnings or ())),
        unreachable=row.unreachable,
    )
