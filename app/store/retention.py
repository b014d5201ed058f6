"""Query the deployments whose output exceeds the limits of retention."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, false, func, or_, select

from app.store.deployment_tables import deployments
from app.store.service_tables import services


@dataclass(frozen=True, slots=True)
class PrunableDeployment:
    """A deployment whose output can be removed, with the journal's size in bytes."""

    id: int
    journal_offset: int


def list_prunable(
    db: Connection,
    service_id: int,
    *,
    node: str,
    before: datetime | None,
    count: int | None,
    size: int | None,
) -> list[PrunableDeployment]:
    """Return ended deployments of a service that exceed a limit, oldest first.

    Only deployments of this node, or of none, are returned.

    Args:
        db: The transaction.
        service_id: The service.
        node: The name of this node.
        before: Deployments that ended earlier exceed the limit.
        count: Deployments after the newest `count` exceed the limit.
        size: Maximum size in bytes of the newest journals together.
    """
    newest_first = deployments.c.id.desc()
    ranked = (
        select(
            deployments.c.id,
            deployments.c.journal_offset,
            deployments.c.node,
            deployments.c.finished_at,
            func.row_number().over(order_by=newest_first).label("rank"),
            func.sum(deployments.c.journal_offset)
            .over(order_by=newest_first)
            .label("sum"),
        )
        .where(
            deployments.c.service_id == service_id,
            deployments.c.finished_at.is_not(None),
            deployments.c.pruned_at.is_(None),
        )
        .subquery()
    )
    limits: list[ColumnElement[bool]] = []
    if before is not None:
        limits.append(ranked.c.finished_at < before)
    if count is not None:
        limits.append(ranked.c.rank > count)
    if size is not None:
        limits.append(ranked.c.sum > size)
    rows = db.execute(
        select(ranked.c.id, ranked.c.journal_offset)
        .where(or_(false(), *limits))
        .where((ranked.c.node == node) | ranked.c.node.is_(None))
        .order_by(ranked.c.id)
    )
    return [PrunableDeployment(row.id, row.journal_offset) for row in rows]


def commits(db: Connection) -> set[str]:
    """Return the commits of services, and of deployments whose output is kept."""
    of_deployments = select(deployments.c.commit).where(
        deployments.c.commit != "", deployments.c.pruned_at.is_(None)
    )
    of_services = select(services.c.config["project"]["commit"].as_string()).where(
        services.c.archived_at.is_(None)
    )
    found = {*db.scalars(of_deployments.distinct()), *db.scalars(of_services)}
    return found - {None, ""}
