"""Write a new deployment with its job, or with the approval that it waits for."""

from datetime import UTC, datetime

from sqlalchemy import Connection
from structlog.contextvars import get_contextvars

from app.domain.deployment import Status
from app.domain.events import EventKind
from app.domain.retry import RetryScope
from app.domain.steps import declare
from app.domain.trace import Link
from app.log import get
from app.queue import Queue
from app.store import (
    approvals,
    deployment_steps,
    deployments,
    events,
    services,
    traces,
)
from app.store.deployments import NewDeployment
from app.usecases import notifications
from app.usecases.approval_requests import ApprovalRequest
from app.usecases.cancel import end_queued
from app.usecases.nodes import choose as choose_node

log = get("deploy")


def enqueue(
    db: Connection,
    queue: Queue,
    wanted: NewDeployment,
    approval: ApprovalRequest | None = None,
) -> int:
    """Insert a deployment, its steps, its first event and its job; return its id.

    If it needs an approval, it gets the job when it is approved.
    """
    latest = wanted.service.queue == "latest"
    if latest:
        # Serialize launches: two concurrent ones wouldn't see each other's deployment.
        services.lock(db, wanted.service_id)
    now = datetime.now(UTC)
    status = Status.WAITING_FOR_APPROVAL if approval else Status.QUEUED
    number = deployments.add(db, wanted, now, status)
    names = (step.name for step in wanted.service.steps)
    steps = declare(names, first=wanted.service.first_position)
    deployment_steps.put_steps(db, number, steps)
    again = f", again after {wanted.retry_of}" if wanted.retry_of else ""
    if wanted.retry_scope is RetryScope.CONTINUE:
        again = f", continues {wanted.retry_of}"
    note = f"by {wanted.actor} ({wanted.origin}){again}"
    if approval is None:
        kind = EventKind.QUEUED
        events.append_milestone(db, number, 1, now, kind, f"queued {note}")
        defer(db, queue, number, wanted.service_id, wanted.priority)
    else:
        kind = EventKind.WAITING_FOR_APPROVAL
        note = f"waits for an approval, launched {note}"
        events.append_milestone(db, number, 1, now, kind, note)
        approvals.add(db, number, approval.launcher, approval.seconds)
        notifications.note_waiting(db, number, wanted.service)
    if latest:
        replace_others(db, queue, wanted.service_id, number, status)
    context = get_contextvars()
    if "span" in context:
        parent = Link(context["trace"], context["span"])
        traces.set_parent(db, number, parent)
    if "request" in context:
        # Of a web process: this line connects its request with the deployment.
        log.info("deployment.queued", deployment=number)
    return number


def defer(
    db: Connection, queue: Queue, number: int, service_id: int, priority: int
) -> None:
    """Write the job of a deployment."""
    node = choose_node(db, service_id)
    job_id = queue.defer_deployment(
        db, number, service_id, node=node, priority=priority
    )
    deployments.set_job(db, number, job_id)


def replace_others(
    db: Connection, queue: Queue, service_id: int, number: int, status: Status
) -> None:
    """Cancel the other deployments of a locked service that wait in the same way."""
    for waiting in deployments.lock_others(db, service_id, status, but=number):
        end_queued(db, queue, waiting, f"replaced by deployment {number}")
