"""The audit log in PostgreSQL: it is added to, and its oldest end goes in time."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from app.domain.access import Actor
from app.domain.audit import Action, AuditEntry
from app.store.tables import audit


def note(
    db: Connection,
    actor: Actor,
    action: Action,
    subject: str = "",
    deployment: int | None = None,
) -> None:
    """Note what an actor does, in the transaction that does it."""
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
    """What was done last, the newest first; what was noted before number `before`."""
    if actor is not None and "\0" in actor:
        # PostgreSQL has no text with a NUL, and refuses to look for one.
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
    """Delete what was noted before a moment, the oldest first; returns how much."""
    # Numbers rise with time, so the oldest are found without an index of times.
    oldest = select(audit.c.id, audit.c.at).order_by(audit.c.id).limit(limit).subquery()
    found = db.execute(
        delete(audit).where(
            audit.c.id.in_(select(oldest.c.id).where(oldest.c.at < before))
        )
    )
    return found.rowcount
