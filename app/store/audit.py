"""The audit log in PostgreSQL."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from app.domain.access import Actor
from app.domain.audit import Action, AuditEntry
from app.store.access_tables import audit
from app.store.searching import can_be_found


def note(
    db: Connection,
    actor: Actor,
    action: Action,
    subject: str = "",
    deployment: int | None = None,
) -> None:
    """Record an actor's action, in the transaction of the action."""
    db.execute(
        insert(audit).values(
            actor=actor.name,
            address=actor.address,
            action=action.value,
            subject=subject,
            deployment_id=deployment,
        )
    )


def latest(
    db: Connection,
    *,
    actor: str | None = None,
    action: Action | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """Return the latest audit entries with numbers below `before`, newest first."""
    if not can_be_found(actor):
        return []
    conditions: list[ColumnElement[bool]] = []
    if actor is not None:
        conditions.append(audit.c.actor == actor)
    if action is not None:
        conditions.append(audit.c.action == action.value)
    if before is not None:
        conditions.append(audit.c.id < before)
    rows = db.execute(
        select(audit).where(*conditions).order_by(audit.c.id.desc()).limit(limit)
    )
    return [
        AuditEntry(
            row.id,
            row.at,
            row.actor,
            row.address,
            Action(row.action),
            row.subject,
            row.deployment_id,
        )
        for row in rows
    ]  # fmt: skip


def delete_some(db: Connection, before: datetime, limit: int) -> int:
    """Delete entries recorded before a time, oldest first; return the number."""
    # Numbers rise with time, so the oldest are found without an index on `at`.
    oldest = select(audit.c.id, audit.c.at).order_by(audit.c.id).limit(limit).subquery()
    found = db.execute(
        delete(audit).where(
            audit.c.id.in_(select(oldest.c.id).where(oldest.c.at < before))
        )
    )
    return found.rowcount
