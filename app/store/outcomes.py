"""How deployments ended, in few words: for a glance at many of them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, true

from app.domain.deployment import Status
from app.store.tables import deployments, services


@dataclass(frozen=True, slots=True)
class Ended:
    """A deployment that has ended."""

    id: int
    status: Status
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime


def recent_of_each(db: Connection, limit: int) -> dict[int, list[Ended]]:
    """The last `limit` ended deployments of every service, oldest first, by its id.

    One query, which reads the newest of each service from the end of an index.
    """
    c = deployments.c
    recent = (
        select(c.id, c.status, c.created_at, c.started_at, c.finished_at)
        .where(c.service_id == services.c.id, c.finished_at.is_not(None))
        .order_by(c.service_id.desc(), c.id.desc())
        .limit(limit)
        .correlate(services)
        .lateral("recent")
    )
    rows = db.execute(
        select(services.c.id.label("service_id"), recent)
        .select_from(services)
        .join(recent, true())
        .where(services.c.archived_at.is_(None))
        .order_by(recent.c.id)
    )
    found: dict[int, list[Ended]] = {}
    for row in rows:
        found.setdefault(row.service_id, []).append(
            Ended(row.id, Status(row.status), row.created_at, row.started_at,
                  row.finished_at)
        )  # fmt: skip
    return found
