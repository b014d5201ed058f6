"""The deliveries of webhooks in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.push import Push
from app.domain.webhook import DeliveryState
from app.store.webhook_tables import webhook_deliveries, webhook_launches, webhooks

#: After this time, another node takes over what a node has claimed.
LEASE = timedelta(minutes=15)
_MAX_ANSWER = 2000


@dataclass(frozen=True, slots=True)
class Delivery:
    """A signed request of a webhook, and what FastDeploy has done about it."""

    id: int
    webhook_id: int
    #: The id that the provider gave it.
    delivery: str
    event: str
    pushes: tuple[Push, ...]
    received_at: datetime
    state: DeliveryState
    #: What was launched, or why nothing was.
    answer: str
    #: How often it was delivered, by the provider or again by somebody.
    attempt: int
    #: How often a worker has started to handle it.
    tries: int
    #: The identity of who repeated it last; empty if nobody did.
    redelivered_by: str = ""
    #: The deployments that it has launched.
    deployments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery to insert."""

    webhook_id: int
    delivery: str
    digest: bytes
    event: str
    pushes: Sequence[Push]
    state: DeliveryState
    answer: str


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that waits for a worker, with its webhook."""

    delivery: Delivery
    webhook: str
    project: str
    #: Whether the status of the commits is wanted.
    with_status: bool


def add(db: Connection, new: NewDelivery) -> int | None:
    """Insert a delivery; return its id, or None if it was delivered before."""
    queued = new.state is DeliveryState.QUEUED
    statement = insert(webhook_deliveries).values(
        webhook_id=new.webhook_id,
        delivery=new.delivery,
        digest=new.digest,
        event=new.event,
        pushes=[asdict(push) for push in new.pushes],
        state=new.state.value,
        answer=new.answer,
        next_at=func.now() if queued else None,
    )
    # Both the id and the digest are unique.
    statement = statement.on_conflict_do_nothing()
    number: int | None = db.scalar(statement.returning(webhook_deliveries.c.id))
    return number


def find_repeated(db: Connection, new: NewDelivery) -> Delivery | None:
    """Return the delivery with the id or the digest of a new one."""
    columns = webhook_deliveries.c
    same = or_(columns.delivery == new.delivery, columns.digest == new.digest)
    query = select(webhook_deliveries).where(columns.webhook_id == new.webhook_id, same)
    row = db.execute(query.order_by(columns.id).limit(1)).one_or_none()
    return None if row is None else _delivery(row)


def page(
    db: Connection, webhook_id: int, *, before: int | None, limit: int
) -> list[Delivery]:
    """Return deliveries with numbers below `before`, newest first."""
    columns = webhook_deliveries.c
    query = select(webhook_deliveries).where(columns.webhook_id == webhook_id)
    if before is not None:
        query = query.where(columns.id < before)
    rows = list(db.execute(query.order_by(columns.id.desc()).limit(limit)))
    launched = _launched(db, [row.id for row in rows])
    return [_delivery(row, launched.get(row.id, ())) for row in rows]


def lock(db: Connection, webhook_id: int, delivery_id: int) -> Delivery | None:
    """Lock a delivery of a webhook until the transaction ends, and return it."""
    columns = webhook_deliveries.c
    row = db.execute(
        select(webhook_deliveries)
        .where(columns.id == delivery_id, columns.webhook_id == webhook_id)
        .with_for_update()
    ).one_or_none()
    return None if row is None else _delivery(row)


def queue_again(db: Connection, delivery_id: int, redelivered_by: str) -> None:
    """Queue a delivery once more, for who has this identity."""
    _update(
        db,
        delivery_id,
        state=DeliveryState.QUEUED.value,
        answer="",
        attempt=webhook_deliveries.c.attempt + 1,
        redelivered_by=redelivered_by,
        tries=0,
        next_at=func.now(),
        claimed_at=None,
        claimed_by="",
    )


def due(db: Connection, node: str, limit: int) -> list[DueDelivery]:
    """Return the deliveries that the worker of a node may handle now, oldest first."""
    columns = webhook_deliveries.c
    rows = db.execute(
        select(
            webhook_deliveries,
            webhooks.c.name.label("webhook"),
            webhooks.c.project,
            webhooks.c.status_credential,
        )
        .join(webhooks, webhooks.c.id == columns.webhook_id)
        .where(columns.next_at <= func.now(), _free(node))
        .order_by(columns.id)
        .limit(limit)
    )
    return [
        DueDelivery(
            _delivery(row), row.webhook, row.project, bool(row.status_credential)
        )
        for row in rows
    ]


def claim(db: Connection, delivery_id: int, node: str) -> bool:
    """Claim a queued delivery for a node; return False if another one has it."""
    columns = webhook_deliveries.c
    found = db.execute(
        update(webhook_deliveries)
        .where(columns.id == delivery_id, columns.next_at.is_not(None), _free(node))
        .values(claimed_at=func.now(), claimed_by=node, tries=columns.tries + 1)
    )
    return found.rowcount == 1


def settle(
    db: Connection, handled: Delivery, state: DeliveryState, answer: str
) -> None:
    """Store what was done about a delivery, unless it was queued again meanwhile."""
    db.execute(
        update(webhook_deliveries)
        .where(
            webhook_deliveries.c.id == handled.id,
            webhook_deliveries.c.attempt == handled.attempt,
        )
        .values(state=state.value, answer=answer[:_MAX_ANSWER], next_at=None)
    )


def postpone(db: Connection, delivery_id: int, pause: timedelta, answer: str) -> None:
    """Handle a delivery later, because its repository couldn't be fetched."""
    _update(
        db,
        delivery_id,
        answer=answer[:_MAX_ANSWER],
        next_at=func.now() + pause,
    )


def skip_queued(db: Connection, answer: str) -> None:
    """End all queued deliveries without a launch."""
    db.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.next_at.is_not(None))
        .values(state=DeliveryState.SKIPPED.value, answer=answer, next_at=None)
    )


def delete_some(
    db: Connection, age: timedelta, limit: int, *, ignored_only: bool
) -> int:
    """Delete old deliveries; return how many. Queued ones are kept."""
    columns = webhook_deliveries.c
    old = select(columns.id).where(
        columns.received_at < func.now() - age, columns.next_at.is_(None)
    )
    if ignored_only:
        old = old.where(columns.state == DeliveryState.IGNORED.value)
    chosen = old.limit(limit)
    return db.execute(delete(webhook_deliveries).where(columns.id.in_(chosen))).rowcount


def _free(node: str) -> Any:  # a condition
    """Return the condition that a delivery may be claimed by a node.

    A worker claims nothing before it has handled what it had claimed: what its node
    has claimed was left by a worker that is gone.
    """
    columns = webhook_deliveries.c
    return or_(
        columns.claimed_at.is_(None),
        columns.claimed_by == node,
        columns.claimed_at < func.now() - LEASE,
    )


def _launched(db: Connection, ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    columns = webhook_launches.c
    found: dict[int, tuple[int, ...]] = {}
    rows = db.execute(
        select(columns.delivery_id, columns.deployment_id)
        .where(columns.delivery_id.in_(ids))
        .order_by(columns.deployment_id)
    )
    for row in rows:
        found[row.delivery_id] = (*found.get(row.delivery_id, ()), row.deployment_id)
    return found


def _update(db: Connection, delivery_id: int, **values: Any) -> None:
    db.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.id == delivery_id)
        .values(values)
    )


def _delivery(row: Row[Any], launched: tuple[int, ...] = ()) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        delivery=row.delivery,
        event=row.event,
        pushes=tuple(Push(**each) for each in row.pushes),
        received_at=row.received_at,
        state=DeliveryState(row.state),
        answer=row.answer,
        attempt=row.attempt,
        tries=row.tries,
        redelivered_by=row.redelivered_by,
        deployments=launched,
    )
