"""Approvals of deployments in PostgreSQL."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from app.domain.approval import Approval, Decision, Launcher
from app.domain.deployment import Status
from app.store.approval_tables import approvals
from app.store.deployment_tables import deployments

_c = approvals.c


def add(db: Connection, deployment_id: int, launcher: Launcher, seconds: int) -> None:
    """Insert the approval that a new deployment needs within a number of seconds."""
    db.execute(
        insert(approvals).values(
            deployment_id=deployment_id,
            launcher=launcher.identity,
            user_id=launcher.user_id,
            token_id=launcher.token_id,
            requesters=launcher.requesters,
            expires_at=func.now() + timedelta(seconds=seconds),
        )
    )


def find(db: Connection, deployment_id: int) -> Approval | None:
    """Return the approval that a deployment needs or needed; None if it needs none."""
    query = select(approvals).where(_c.deployment_id == deployment_id)
    row = db.execute(query).one_or_none()
    return None if row is None else _approval(row)


def decide(
    db: Connection, deployment_id: int, decision: Decision, by: str, comment: str = ""
) -> None:
    """Store the decision about a deployment, which the caller has locked."""
    db.execute(
        update(approvals)
        .where(_c.deployment_id == deployment_id)
        .values(
            decision=decision.value,
            decided_by=by,
            decided_at=func.now(),
            comment=comment,
        )
    )


def has_expired(db: Connection, deployment_id: int) -> bool:
    """Return whether the time for an approval is over, by PostgreSQL's clock."""
    query = select(_c.expires_at <= func.clock_timestamp())
    return bool(db.scalar(query.where(_c.deployment_id == deployment_id)))


def list_expired(db: Connection, limit: int = 100) -> list[int]:
    """Return the waiting deployments whose time for an approval is over."""
    query = (
        select(_c.deployment_id)
        .join_from(approvals, deployments)
        .where(
            _c.decision.is_(None),
            _c.expires_at <= func.now(),
            deployments.c.status == Status.WAITING_FOR_APPROVAL.value,
        )
        .order_by(_c.expires_at)
        .limit(limit)
    )
    return list(db.scalars(query))


def _approval(row: Row[Any]) -> Approval:
    decided_at: datetime | None = row.decided_at
    return Approval(
        deployment_id=row.deployment_id,
        launcher=Launcher(
            identity=row.launcher,
            user_id=row.user_id,
            token_id=row.token_id,
            requesters=tuple(row.requesters),
        ),
        expires_at=row.expires_at,
        decision=Decision(row.decision) if row.decision else None,
        decided_by=row.decided_by,
        decided_at=decided_at,
        comment=row.comment,
    )
