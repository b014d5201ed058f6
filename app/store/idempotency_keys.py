"""Idempotency keys of deployments in PostgreSQL."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from app.store.deployment_tables import deployments


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An actor's idempotency key and the fingerprint of its request."""

    #: The name of the actor.
    actor: str
    #: What distinguishes the actor from others with this name.
    owner: str
    value: str
    fingerprint: bytes


def lock(db: Connection, key: IdempotencyKey) -> None:
    """Lock an idempotency key of an actor until the transaction ends."""
    # By the name: the release before this one, which runs during an update, knows no
    # owners.
    number = func.hashtextextended(f"{key.actor} {key.value}", 0)
    db.execute(select(func.pg_advisory_xact_lock(number)))


def find_deployment(
    db: Connection, key: IdempotencyKey
) -> tuple[int, bytes | None] | None:
    """Return the id of the deployment with this idempotency key, and its fingerprint.

    The fingerprint is None if an earlier release stored the key: it made the
    fingerprints of something else.
    """
    c = deployments.c
    row = db.execute(
        select(c.id, c.fingerprint, c.key_owner)
        .where(
            func.coalesce(c.key_owner, c.actor).in_([key.owner, key.actor]),
            c.idempotency_key == key.value,
        )
        .order_by(c.key_owner.is_(None))
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return row.id, None if row.key_owner is None else row.fingerprint
