"""What webhooks have launched, and the commit statuses to send, in PostgreSQL."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, func, insert, or_, select, update

from app.domain.commit_status import Sent
from app.domain.deployment import Status
from app.domain.webhook import Provider
from app.store.deployment_tables import deployments
from app.store.service_tables import services
from app.store.webhook_tables import webhook_deliveries, webhook_launches, webhooks

#: Until then, a worker that has claimed a status must have sent it.
LEASE = timedelta(minutes=2)
_MAX_PROBLEM = 500


@dataclass(frozen=True, slots=True)
class PushedCommit:
    """The commit of a deployment that a webhook launched."""

    webhook: str
    provider: Provider
    repository: str
    commit: str


@dataclass(frozen=True, slots=True)
class DueStatus:
    """A status of a commit that is to be sent."""

    deployment: int
    service: str
    status: Status
    provider: Provider
    api_url: str
    credential: str
    repository: str
    commit: str
    sent: Sent
    tries: int
    next_at: datetime

    @property
    def sending(self) -> Sent:
        """What comes after the last status that was sent."""
        return Sent.PENDING if self.sent is Sent.NOTHING else Sent.FINAL


def add(
    db: Connection,
    *,
    deployment: int,
    delivery: int,
    repository: str,
    commit: str,
    with_status: bool,
) -> None:
    """Insert a deployment that a delivery has launched."""
    db.execute(
        insert(webhook_launches).values(
            deployment_id=deployment,
            delivery_id=delivery,
            repository=repository,
            commit=commit,
            next_at=func.now() if with_status else None,
        )
    )


def find(db: Connection, deployment: int) -> PushedCommit | None:
    """Return the commit of a deployment, if a webhook has launched it."""
    row = db.execute(
        select(webhooks.c.name, webhooks.c.provider, webhook_launches)
        .join(
            webhook_deliveries,
            webhook_deliveries.c.id == webhook_launches.c.delivery_id,
        )
        .join(webhooks, webhooks.c.id == webhook_deliveries.c.webhook_id)
        .where(webhook_launches.c.deployment_id == deployment)
    ).one_or_none()
    if row is None:
        return None
    return PushedCommit(row.name, Provider(row.provider), row.repository, row.commit)


def due(db: Connection, limit: int) -> list[DueStatus]:
    """Return the statuses to send now.

    The first one is sent at the launch, the final one when the deployment has ended.
    """
    columns = webhook_launches.c
    rows = db.execute(
        select(
            webhook_launches,
            services.c.name.label("service"),
            deployments.c.status,
            webhooks.c.provider,
            webhooks.c.api_url,
            webhooks.c.status_credential,
        )
        .join(deployments, deployments.c.id == columns.deployment_id)
        .join(services, services.c.id == deployments.c.service_id)
        .join(webhook_deliveries, webhook_deliveries.c.id == columns.delivery_id)
        .join(webhooks, webhooks.c.id == webhook_deliveries.c.webhook_id)
        .where(
            columns.next_at <= func.now(),
            or_(columns.sent == "", deployments.c.finished_at.is_not(None)),
        )
        .order_by(columns.next_at)
        .limit(limit)
    )
    return [
        DueStatus(
            deployment=row.deployment_id,
            service=row.service,
            status=Status(row.status),
            provider=Provider(row.provider),
            api_url=row.api_url,
            credential=row.status_credential,
            repository=row.repository,
            commit=row.commit,
            sent=Sent(row.sent),
            tries=row.tries,
            next_at=row.next_at,
        )
        for row in rows
    ]


def claim(db: Connection, one: DueStatus) -> DueStatus | None:
    """Reserve a status for the caller until its `next_at`, which is LEASE from now.

    Return None if another worker has it.
    """
    values = {"next_at": func.now() + LEASE}
    until = db.execute(
        _unchanged(one).values(values).returning(webhook_launches.c.next_at)
    ).scalar_one_or_none()
    return None if until is None else replace(one, next_at=until)


def mark_sent(db: Connection, one: DueStatus) -> bool:
    """Store that a claimed status was sent; after the final one, there is no next.

    Return False if another worker has claimed it since: then it stores the result.
    """
    final = one.sending is Sent.FINAL
    return _update(
        db,
        one,
        sent=one.sending.value,
        tries=0,
        problem="",
        next_at=None if final else func.now(),
    )


def postpone(
    db: Connection, one: DueStatus, problem: str, pause: timedelta | None
) -> bool:
    """Store why a claimed status couldn't be sent; without a pause it is given up.

    Return False if another worker has claimed it since: then it stores the result.
    """
    return _update(
        db,
        one,
        tries=one.tries + 1,
        problem=problem[:_MAX_PROBLEM],
        next_at=None if pause is None else func.now() + pause,
    )


def give_up(db: Connection) -> None:
    """Send none of the statuses that haven't been sent."""
    db.execute(update(webhook_launches).values(next_at=None))


def _update(db: Connection, one: DueStatus, **values: Any) -> bool:
    return db.execute(_unchanged(one).values(values)).rowcount == 1


def _unchanged(one: DueStatus) -> Update:
    """Return the update of a status, unless a worker has changed it since."""
    columns = webhook_launches.c
    return update(webhook_launches).where(
        columns.deployment_id == one.deployment,
        columns.sent == one.sent.value,
        columns.next_at == one.next_at,
    )
