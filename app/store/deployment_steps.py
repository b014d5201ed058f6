"""The steps of deployments in PostgreSQL, and how long they usually take."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from app.domain.deployment import Status
from app.domain.events import StepState
from app.domain.steps import Step
from app.store.deployment_tables import deployments, seconds_of_step, steps

#: Number of earlier successful runs that an estimate uses.
ESTIMATE_FROM = 10


def steps_of(db: Connection, deployment_id: int) -> list[Step]:
    """Return the steps of a deployment in order."""
    return steps_of_each(db, [deployment_id])[deployment_id]


def steps_of_each(db: Connection, numbers: Collection[int]) -> dict[int, list[Step]]:
    """Return the steps of each of these deployments in order."""
    found: dict[int, list[Step]] = {number: [] for number in numbers}
    rows = db.execute(
        select(steps)
        .where(steps.c.deployment_id.in_(numbers))
        .order_by(steps.c.deployment_id, steps.c.position)
    )
    for row in rows:
        found[row.deployment_id].append(
            Step(row.position, row.name, row.declared, StepState(row.state),
                 row.message, row.started_at, row.finished_at, tuple(row.failed_hosts))
        )  # fmt: skip
    return found


def put_steps(db: Connection, deployment_id: int, changed: Iterable[Step]) -> None:
    """Insert or update steps."""
    rows = [
        {
            "deployment_id": deployment_id,
            "position": step.position,
            "name": step.name,
            "declared": step.declared,
            "state": step.state,
            "message": step.message,
            "started_at": step.started_at,
            "finished_at": step.finished_at,
            "failed_hosts": list(step.failed_hosts),
        }
        for step in changed
    ]
    if not rows:
        return
    statement = upsert(steps)
    fresh = {
        name: statement.excluded[name]
        for name in ("state", "message", "started_at", "finished_at", "failed_hosts")
    }
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["deployment_id", "position"], set_=fresh
        ),
        rows,
    )


def usual_durations(
    db: Connection, numbers: Collection[int]
) -> dict[int, dict[str, float]]:
    """Return the median seconds of each step before each of these deployments.

    The medians are of the last ESTIMATE_FROM successful runs of the same service.
    """
    found: dict[int, dict[str, float]] = {number: {} for number in numbers}
    if found:
        for row in db.execute(_USUAL, {"numbers": list(found)}):
            found[row.id][row.name] = float(row.median)
    return found


def _usual() -> Select[Any]:
    """Build the statement of `usual_durations`."""
    earlier = deployments.alias("earlier")
    recent = (
        select(earlier.c.id)
        .where(
            earlier.c.service_id == deployments.c.service_id,
            earlier.c.id < deployments.c.id,
            earlier.c.status == Status.SUCCESSFUL.value,
            earlier.c.partial.is_(False),
        )
        .order_by(earlier.c.id.desc())
        .limit(ESTIMATE_FROM)
        .correlate(deployments)
        .lateral("recent")
    )
    return (
        select(
            deployments.c.id,
            steps.c.name,
            func.percentile_cont(0.5).within_group(seconds_of_step).label("median"),
        )
        .select_from(deployments)
        .join(recent, true())
        .join(steps, steps.c.deployment_id == recent.c.id)
        .where(
            deployments.c.id.in_(bindparam("numbers", expanding=True)),
            steps.c.finished_at.is_not(None),
            steps.c.started_at.is_not(None),
        )
        .group_by(deployments.c.id, steps.c.name)
    )


#: Built once: a follower of a run needs it for each piece of output, and building it
#: takes longer than PostgreSQL takes to answer it.
_USUAL = _usual()
