"""Idempotency keys of deployments in PostgreSQL."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from app.store.deployment_tables import deployments


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An actor's idempotency key and the fingerprint of its request."""

    actor: str
    value: str
    fingerprint: bytes


def lock(db: Connection, key: IdempotencyKey) -> None:
    """Lock an idempotency key of an actor until the transaction ends."""
    number = func.hashtextextended(f"{key.actor} {key.value}", 0)
    db.execute(select(func.pg_advisory_xact_lock(number)))


def find_deployment(
    db: Connection, key: IdempotencyKey
) -> tuple[int, bytes | None] | None:
    """Return the id of the deployment with this idempotency key, and its fingerprint.

    The fingerprint is None if an earlier release stored the key.
    """
    c = deployments.c
    row = db.execute(
        select(c.id, c.fingerprint).where(
            c.actor == key.actor, c.idempotency_key == key.value
        )
    ).one_or_none()
    return None if row is None else (row.id, row.fingerprint)
