"""Webhooks in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.webhook import Provider
from app.store.searching import can_be_found
from app.store.webhook_tables import webhooks

#: The shortest time between two stored refusals of a webhook.
_BETWEEN_REFUSALS = timedelta(seconds=1)
_MAX_REASON = 300
_MAX_ADDRESS = 100


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook without its secrets."""

    id: int
    name: str
    provider: Provider
    #: The project whose rules its deliveries follow.
    project: str
    #: The credential with which the status of commits is set; empty: it isn't.
    status_credential: str
    #: The base URL of the provider's API; empty: the usual one of the host.
    api_url: str
    created_at: datetime
    created_by: str
    #: When it got a second secret; None if only one is valid.
    rotated_at: datetime | None
    paused_at: datetime | None
    paused_by: str
    #: The last request that was refused.
    refused_at: datetime | None
    refused_reason: str
    refused_address: str


@dataclass(frozen=True, slots=True)
class SealedWebhook:
    """A webhook with its encrypted secrets."""

    webhook: Webhook
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """A webhook to insert."""

    name: str
    provider: Provider
    project: str
    sealed: bytes
    key_id: str
    status_credential: str
    api_url: str
    created_by: str


def add(db: Connection, new: NewWebhook) -> int | None:
    """Insert a webhook; return its id, or None if the name is taken."""
    statement = insert(webhooks).values(
        name=new.name,
        provider=new.provider.value,
        project=new.project,
        sealed=new.sealed,
        key_id=new.key_id,
        status_credential=new.status_credential,
        api_url=new.api_url,
        created_by=new.created_by,
    )
    number: int | None = db.scalar(
        statement.on_conflict_do_nothing().returning(webhooks.c.id)
    )
    return number


def list_all(db: Connection) -> list[Webhook]:
    """Return the webhooks, sorted by name."""
    return [_webhook(row) for row in db.execute(select(webhooks).order_by("name"))]


def find(db: Connection, webhook_id: int, *, lock: bool = False) -> Webhook | None:
    """Return the webhook with an id; `lock` holds it until the transaction ends."""
    query = select(webhooks).where(webhooks.c.id == webhook_id)
    row = db.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _webhook(row)


def find_named(db: Connection, name: str) -> SealedWebhook | None:
    """Return the webhook with a name and its encrypted secrets."""
    if not can_be_found(name):
        return None
    row = db.execute(select(webhooks).where(webhooks.c.name == name)).one_or_none()
    return None if row is None else SealedWebhook(_webhook(row), row.sealed)


def set_rotating(db: Connection, webhook_id: int, *, rotating: bool) -> None:
    """Store whether a webhook has two valid secrets."""
    _update(db, webhook_id, rotated_at=func.now() if rotating else None)


def pause(db: Connection, webhook_id: int, actor: str) -> None:
    """Pause a webhook."""
    _update(db, webhook_id, paused_at=func.now(), paused_by=actor)


def resume(db: Connection, webhook_id: int) -> None:
    """End the pause of a webhook."""
    _update(db, webhook_id, paused_at=None, paused_by="")


def remove(db: Connection, webhook_id: int) -> None:
    """Delete a webhook with its deliveries."""
    db.execute(delete(webhooks).where(webhooks.c.id == webhook_id))


def note_refusal(db: Connection, webhook_id: int, reason: str, address: str) -> None:
    """Store the last refused request, at most one in a second."""
    last = webhooks.c.refused_at
    db.execute(
        update(webhooks)
        .where(
            webhooks.c.id == webhook_id,
            last.is_(None) | (last < func.now() - _BETWEEN_REFUSALS),
        )
        .values(
            refused_at=func.now(),
            refused_reason=reason[:_MAX_REASON],
            refused_address=address[:_MAX_ADDRESS],
        )
    )


def _update(db: Connection, webhook_id: int, **values: Any) -> None:
    db.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(values))


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(
        id=row.id,
        name=row.name,
        provider=Provider(row.provider),
        project=row.project,
        status_credential=row.status_credential,
        api_url=row.api_url,
        created_at=row.created_at,
        created_by=row.created_by,
        rotated_at=row.rotated_at,
        paused_at=row.paused_at,
        paused_by=row.paused_by,
        refused_at=row.refused_at,
        refused_reason=row.refused_reason,
        refused_address=row.refused_address,
    )
