"""Search the earlier deployments of a service for the last success.

Partial deployments don't count.
"""

from typing import Any

from sqlalchemy import Connection, Select, Subquery, func, select

from app.domain.deployment import Status
from app.domain.events import StepState, TaskResult
from app.store.deployment_tables import deployments, events, steps
from app.store.results import HAS_RESULT

#: Number of earlier deployments to search for the last success of a task or step.
LOOK_BACK = 20

_PASSED = (TaskResult.OK.value, TaskResult.CHANGED.value)


def last_passed(
    db: Connection, *, service_id: int, before: int, host: str, task: str
) -> int | None:
    """Return the last deployment before `before` in which a task passed on a host.

    Only the LOOK_BACK deployments of the service before it are searched.
    """
    recent = _recent(service_id, before)
    passed = select(events.c.number).where(
        events.c.deployment_id == recent.c.id,
        events.c.host == host,
        events.c.task == task,
        events.c.result.in_(_PASSED),
        HAS_RESULT,
    )
    return _last(db, recent, passed)


def step_last_passed(
    db: Connection, *, service_id: int, before: int, step: str
) -> int | None:
    """Return the last deployment before `before` in which a step succeeded.

    Only the LOOK_BACK deployments of the service before it are searched.
    """
    recent = _recent(service_id, before)
    passed = select(steps.c.position).where(
        steps.c.deployment_id == recent.c.id,
        steps.c.name == step,
        steps.c.state == StepState.SUCCESS.value,
    )
    return _last(db, recent, passed)


def last_successful(db: Connection, *, service_id: int, before: int) -> int | None:
    """Return the last successful deployment of a service before `before`."""
    return db.scalar(
        select(deployments.c.id)
        .where(
            deployments.c.service_id == service_id,
            deployments.c.status == Status.SUCCESSFUL.value,
            deployments.c.partial.is_(False),
            deployments.c.id < before,
        )
        .order_by(deployments.c.id.desc())
        .limit(1)
    )


def count_recent(db: Connection, *, service_id: int, before: int) -> int:
    """Count the deployments of a service before `before`, up to LOOK_BACK."""
    recent = _recent(service_id, before)
    return db.scalar(select(func.count()).select_from(recent)) or 0


def _recent(service_id: int, before: int) -> Subquery:
    return (
        select(deployments.c.id)
        .where(
            deployments.c.service_id == service_id,
            deployments.c.partial.is_(False),
            deployments.c.id < before,
        )
        .order_by(deployments.c.id.desc())
        .limit(LOOK_BACK)
        .subquery("recent")
    )


def _last(db: Connection, recent: Subquery, passed: Select[Any]) -> int | None:
    return db.scalar(
        select(recent.c.id)
        .where(passed.correlate(recent).exists())
        .order_by(recent.c.id.desc())
        .limit(1)
    )
