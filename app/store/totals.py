"""Totals of ended deployments in PostgreSQL.

They are counted in the transaction that ends a deployment, and stay when deployments
are removed. So reading them costs the same for any number of deployments.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.postgresql import insert

from app.domain.deployment import Deployment, Status
from app.domain.totals import Total, bound_of, duration
from app.store.deployment_tables import deployment_totals
from app.store.service_tables import services


def count_end(
    db: Connection, deployment: Deployment, status: Status, at: datetime
) -> None:
    """Count a deployment that ends at a moment with an outcome."""
    taken = duration(deployment.started_at, at)
    table = deployment_totals
    new = insert(table).values(
        service_id=deployment.service_id,
        status=status,
        at_most=bound_of(taken),
        count=1,
        seconds=taken or 0.0,
        last_complete_at=at if deployment.counts else None,
    )
    latest = func.greatest(table.c.last_complete_at, new.excluded.last_complete_at)
    db.execute(
        new.on_conflict_do_update(
            index_elements=["service_id", "status", "at_most"],
            set_={
                "count": table.c.count + 1,
                "seconds": table.c.seconds + new.excluded.seconds,
                "last_complete_at": latest,
            },
        )
    )


def by_service(db: Connection) -> dict[str, list[Total]]:
    """Return the totals of each service by its name, sorted.

    The list is empty for a service without an ended deployment, which is left out if it
    is archived.
    """
    table = deployment_totals
    since = func.extract("epoch", func.now() - table.c.last_complete_at)
    rows = db.execute(
        select(
            services.c.name,
            services.c.archived_at,
            table.c.status,
            table.c.at_most,
            table.c.count.label("number"),
            table.c.seconds,
            since.label("since"),
        )
        .outerjoin(table, services.c.id == table.c.service_id)
        .where(table.c.status.is_not(None) | services.c.archived_at.is_(None))
        .order_by(services.c.name, table.c.status, table.c.at_most)
    )
    found: dict[str, list[Total]] = {}
    for row in rows:
        of_service = found.setdefault(row.name, [])
        if row.status is not None:
            of_service.append(_total(row))
    return found


def _total(row: Row[Any]) -> Total:
    return Total(
        archived=row.archived_at is not None,
        status=row.status,
        at_most=row.at_most,
        count=row.number,
        seconds=row.seconds,
        since_last_complete=None if row.since is None else max(float(row.since), 0.0),
    )
