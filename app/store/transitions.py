"""Status changes of deployments in PostgreSQL: only this module writes a status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from app.domain.deployment import Deployment, Outcome, Status, allow
from app.domain.run_warning import RunWarning
from app.store import pings, totals
from app.store.deployment_tables import deployments


@dataclass(frozen=True, slots=True)
class Claim:
    """A node has claimed the deployment from the queue."""

    node: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Enqueue:
    """The deployment was approved; `last_event` is the number of that event."""

    last_event: int


@dataclass(frozen=True, slots=True)
class RunStart:
    """The run was started; `last_event` is the number of the `started` event."""

    last_event: int


@dataclass(frozen=True, slots=True)
class End:
    """The deployment ended; `exit_code` is None if it is unknown."""

    outcome: Outcome
    exit_code: int | None
    warnings: Sequence[RunWarning]
    last_event: int
    at: datetime


def transition(
    db: Connection, deployment: Deployment, to: Enqueue | Claim | RunStart | End
) -> None:
    """Change the status of a deployment that the caller has locked.

    The secret variables of an ended deployment are deleted, it is counted in the
    totals, and its schedule's ping is due. Raises Conflict if the table of
    transitions doesn't allow the change.
    """
    status, values = _columns(to)
    allow(deployment.status, status)
    db.execute(
        update(deployments)
        .where(deployments.c.id == deployment.id)
        .values(status=status, **values)
    )
    if isinstance(to, End):
        totals.count_end(db, deployment, status, to.at)
        pings.add_end(db, deployment.id, status)


def _columns(to: Enqueue | Claim | RunStart | End) -> tuple[Status, dict[str, Any]]:
    match to:
        case Enqueue(last_event):
            return Status.QUEUED, {"last_event": last_event}
        case Claim(node, at):
            return Status.STARTING, {"node": node, "started_at": at}
        case RunStart(last_event):
            return Status.RUNNING, {"last_event": last_event}
        case End():
            return to.outcome.status, {
                "reason": to.outcome.reason,
                "exit_code": to.exit_code,
                "warnings": [each.as_json() for each in to.warnings] or None,
                "finished_at": to.at,
                "last_event": to.last_event,
                "secrets": None,
            }
