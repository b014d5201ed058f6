"""Find running deployments that take longer than usual."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    extract,
    func,
    select,
    true,
)

from app.domain.deployment import Status
from app.domain.estimate import LATE_FACTOR, LATE_FROM, LATE_SECONDS
from app.store.deployment_steps import ESTIMATE_FROM
from app.store.deployment_tables import deployments

_d = deployments.c


def late_runs(condition: ColumnElement[bool]) -> Select[tuple[int, float]]:
    """Return a query for the ids and usual seconds of deployments that run late.

    The usual time is the median of the last ESTIMATE_FROM complete successful runs of
    the service. Partial deployments take another time and are never late.
    `condition` selects deployments.
    """
    earlier = deployments.alias("earlier")
    took = extract("epoch", earlier.c.finished_at - earlier.c.started_at)
    recent = (
        select(took.label("seconds"))
        .where(
            earlier.c.service_id == _d.service_id,
            earlier.c.status == Status.SUCCESSFUL.value,
            earlier.c.partial.is_(False),
            earlier.c.started_at.is_not(None),
        )
        .order_by(earlier.c.id.desc())
        .limit(ESTIMATE_FROM)
        .correlate(deployments)
        .subquery()
    )
    median = func.percentile_cont(0.5).within_group(recent.c.seconds)
    usual = select(
        median.label("seconds"), func.count().label("runs")
    ).lateral("usual")  # fmt: skip
    passed = extract("epoch", func.now() - _d.started_at)
    return (
        select(_d.id, usual.c.seconds)
        .select_from(deployments)
        .join(usual, true())
        .where(
            and_(
                condition,
                _d.finished_at.is_(None),
                _d.started_at.is_not(None),
                _d.partial.is_(False),
                usual.c.runs >= LATE_FROM,
                passed >= usual.c.seconds * LATE_FACTOR,
                passed >= usual.c.seconds + LATE_SECONDS,
            )
        )
    )


def usual_seconds(db: Connection, numbers: Collection[int]) -> dict[int, float]:
    """Return the usual seconds of those of these deployments that run late."""
    if not numbers:
        return {}
    rows: Any = db.execute(late_runs(_d.id.in_(numbers)))
    return {number: float(seconds) for number, seconds in rows}
