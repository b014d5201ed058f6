"""Find the position of queued deployments in the queues of their services."""

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from app.domain.deployment import Status
from app.store.deployment_tables import deployments


def count_ahead(db: Connection, numbers: Collection[int]) -> dict[int, int]:
    """Count the unfinished deployments of the same service ahead of each of these."""
    other = deployments.alias("other")
    ahead = (
        select(func.count())
        .select_from(other)
        .where(
            other.c.service_id == deployments.c.service_id,
            other.c.id != deployments.c.id,
            other.c.finished_at.is_(None),
            other.c.status != Status.WAITING_FOR_APPROVAL.value,
            (other.c.status != Status.QUEUED.value)
            | (other.c.priority > deployments.c.priority)
            | (
                (other.c.priority == deployments.c.priority)
                & (other.c.id < deployments.c.id)
            ),
        )
        .correlate(deployments)
        .scalar_subquery()
    )
    rows = db.execute(
        select(deployments.c.id, ahead).where(deployments.c.id.in_(numbers))
    )
    return {row[0]: row[1] for row in rows}
