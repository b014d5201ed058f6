"""The audit log in PostgreSQL."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Text,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)

from app.domain.access import Actor
from app.domain.audit import Action, AuditEntry, Changes
from app.domain.audit_chain import START, Link, deletion_subject
from app.store.access_tables import audit, audit_chain
from app.store.searching import can_be_found

#: Entries that are read at once.
_BATCH = 1_000
_ENTRY = select(
    audit.c.id,
    audit.c.at,
    audit.c.actor,
    audit.c.address,
    audit.c.action,
    audit.c.subject,
    audit.c.deployment_id,
    cast(audit.c.changes, Text).label("changes"),
    audit.c.chain_number,
    audit.c.hash,
)
#: Who deletes entries whose retention has ended.
_RETENTION = Actor("retention", frozenset())


def note(
    db: Connection,
    actor: Actor,
    action: Action,
    subject: str = "",
    deployment: int | None = None,
    changes: Changes | None = None,
) -> None:
    """Record an actor's action, in the transaction of the action.

    `changes` are the values before and after, without secrets. The entry gets its place
    in the chain when the transaction commits.
    """
    named = {
        field: {"before": before, "after": after}
        for field, (before, after) in (changes or {}).items()
        if before != after
    }
    db.execute(
        insert(audit).values(
            actor=actor.name,
            address=actor.address,
            action=action.value,
            subject=subject,
            deployment_id=deployment,
            # None would be JSON's null.
            **({"changes": named} if named else {}),
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
        _ENTRY.where(*conditions).order_by(audit.c.id.desc()).limit(limit)
    )
    return [_entry(row) for row in rows]


def chain(
    db: Connection, after: int = 0, limit: int | None = None
) -> Iterator[AuditEntry]:
    """Yield the entries behind a place in the chain, in its order."""
    rest = limit
    while rest is None or rest > 0:
        count = _BATCH if rest is None else min(rest, _BATCH)
        found = db.execute(
            _ENTRY.where(audit.c.chain_number > after)
            .order_by(audit.c.chain_number)
            .limit(count)
        ).all()
        yield from (_entry(row) for row in found)
        if len(found) < count:
            return
        after = found[-1].chain_number
        rest = None if rest is None else rest - count


def in_the_last_minute(db: Connection, actor: str, action: Action, most: int) -> int:
    """Return how many of the latest `most` entries of an actor are a minute old."""
    newest = (
        select(audit.c.at)
        .where(audit.c.actor == actor, audit.c.action == action.value)
        .order_by(audit.c.id.desc())
        .limit(most)
        .subquery()
    )
    recent = newest.c.at > func.now() - timedelta(minutes=1)
    return db.scalar(select(func.count()).select_from(newest).where(recent)) or 0


def ends(db: Connection) -> tuple[Link, Link]:
    """Return the last deleted entry and the last entry of the chain."""
    row = db.execute(select(audit_chain)).one()
    return Link(row.deleted_number, row.deleted_hash), Link(row.number, row.hash)


def delete_some(db: Connection, before: datetime, limit: int) -> int:
    """Delete entries recorded before a time, oldest first; return the number.

    The chain then begins behind them, and a new entry says so.
    """
    oldest = db.execute(
        select(audit.c.chain_number, audit.c.at, audit.c.hash)
        .order_by(audit.c.chain_number)
        .limit(limit)
    ).all()
    count = 0
    last = START
    for row in oldest:
        if row.at >= before:
            break
        count += 1
        last = Link(row.chain_number, row.hash)
    if count:
        _delete_until(db, last)
    return count


def _delete_until(db: Connection, last: Link) -> None:
    db.execute(select(func.set_config("fastdeploy.deletes_audit", "on", True)))
    db.execute(delete(audit).where(audit.c.chain_number <= last.number))
    db.execute(select(func.set_config("fastdeploy.deletes_audit", "off", True)))
    db.execute(
        update(audit_chain).values(deleted_number=last.number, deleted_hash=last.hash)
    )
    note(db, _RETENTION, Action.DELETE_ENTRIES, deletion_subject(last))


def _entry(row: Row[tuple[object, ...]]) -> AuditEntry:
    return AuditEntry(
        row.id,
        row.at,
        row.actor,
        row.address,
        Action(row.action),
        row.subject,
        row.deployment_id,
        row.changes or "",
        row.chain_number,
        row.hash,
    )
