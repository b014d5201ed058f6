"""Find what makes a retry needless: a later success, or a deployment that continues."""

from sqlalchemy import Connection, select

from app.domain.deployment import Status
from app.domain.retry import RetryScope
from app.store.deployment_tables import counts, deployments


def later_success(db: Connection, *, service_id: int, after: int) -> int | None:
    """Return the last successful deployment of a service after `after`, if any.

    One that has completed another one counts.
    """
    return db.scalar(
        select(deployments.c.id)
        .where(
            deployments.c.service_id == service_id,
            deployments.c.status == Status.SUCCESSFUL.value,
            counts,
            deployments.c.id > after,
        )
        .order_by(deployments.c.id.desc())
        .limit(1)
    )


def continued_by(db: Connection, *, service_id: int, number: int) -> int | None:
    """Return the last deployment that continues this one of the service, if any."""
    return db.scalar(
        select(deployments.c.id)
        .where(
            deployments.c.service_id == service_id,
            deployments.c.id > number,
            deployments.c.retry_of == number,
            deployments.c.retry_scope == RetryScope.CONTINUE.value,
        )
        .order_by(deployments.c.id.desc())
        .limit(1)
    )
