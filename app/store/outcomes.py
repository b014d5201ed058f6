"""The outcomes and durations of recent deployments, for lists of services.

Partial deployments, such as checks, don't count.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, true

from app.domain import revision
from app.domain.deployment import Status
from app.domain.events import StepState
from app.domain.version import version_by_json
from app.store.among import among
from app.store.deployment_tables import counts, deployments, seconds_of_step, steps
from app.store.service_tables import services


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deployment ended."""

    id: int
    status: Status
    created_at: datetime
    #: Whether it has warnings.
    warned: bool

    @property
    def in_words(self) -> str:
        """The status, with the hint that there are warnings."""
        return f"{self.status} with warnings" if self.warned else self.status


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A deployment that has ended."""

    id: int
    status: Status
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime


#: The columns of a FinishedRun.
_RUN = (
    deployments.c.id,
    deployments.c.status,
    deployments.c.created_at,
    deployments.c.started_at,
    deployments.c.finished_at,
)

_c = deployments.c
_newest = (
    select(
        _c.id,
        _c.config["variables"].as_string().label("schema"),
        _c.variables,
        _c.ref,
        _c.commit,
        _c.changes,
    )
    .where(
        _c.service_id == services.c.id,
        _c.status == Status.SUCCESSFUL.value,
        counts,
    )
    .order_by(_c.id.desc())
    .limit(1)
    .correlate(services)
    .lateral("newest")
)
#: The query of the last successful deployments of the services `ids`.
_LAST_SUCCESSFUL = (
    select(services.c.id.label("service_id"), _newest)
    .select_from(services)
    .join(_newest, true())
    .where(among(services.c.id))
)


def recent(db: Connection, service_id: int, limit: int) -> list[FinishedRun]:
    """Return the last `limit` ended deployments of a service, oldest first."""
    c = deployments.c
    rows = db.execute(
        select(*_RUN)
        .where(
            c.service_id == service_id,
            c.finished_at.is_not(None),
            c.partial.is_(False),
        )
        .order_by(c.id.desc())
        .limit(limit)
    ).all()
    return [
        FinishedRun(row.id, Status(row.status), row.created_at, row.started_at,
                    row.finished_at)
        for row in reversed(rows)
    ]  # fmt: skip


def step_seconds(
    db: Connection, numbers: Collection[int], limit: int
) -> dict[int, dict[str, float]]:
    """Return the seconds of successful steps, by deployment and name.

    Only the first `limit` steps of each deployment are included.
    """
    c = steps.c
    rows = db.execute(
        select(
            c.deployment_id,
            c.name,
            seconds_of_step.label("seconds"),
        )
        .where(
            c.deployment_id.in_(numbers),
            c.position <= limit,
            c.state == StepState.SUCCESS.value,
            c.started_at.is_not(None),
        )
        .order_by(c.deployment_id, c.position)
    )
    found: dict[int, dict[str, float]] = {number: {} for number in numbers}
    for row in rows:
        found[row.deployment_id][row.name] = float(row.seconds)
    return found


@dataclass(frozen=True, slots=True)
class LastSuccess:
    """A successful deployment, as far as its version depends on it."""

    id: int
    #: The JSON Schema of its launch variables, as JSON.
    schema: str
    variables: Mapping[str, Any]
    ref: str = ""
    commit: str = ""
    changes: str = ""

    @property
    def version(self) -> str:
        """The version that it deployed; empty if unknown."""
        known = version_by_json(self.schema, self.variables)
        return known or revision.label(self.ref, self.commit, self.changes)


def last_successful(db: Connection, ids: Collection[int]) -> dict[int, LastSuccess]:
    """Return the last successful deployment of these services, by the service's id.

    One that has completed another one counts.
    """
    rows = db.execute(_LAST_SUCCESSFUL, {"ids": list(ids)})
    return {
        row.service_id: LastSuccess(
            row.id,
            row.schema or "{}",
            row.variables,
            row.ref,
            row.commit,
            row.changes,
        )
        for row in rows
    }
