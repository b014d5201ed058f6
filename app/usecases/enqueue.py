"""Write a new deployment with its job."""

from datetime import UTC, datetime

from sqlalchemy import Connection
from structlog.contextvars import get_contextvars

from app.domain.events import EventKind
from app.domain.retry import RetryScope
from app.domain.steps import declare
from app.domain.trace import Link
from app.log import get
from app.queue import Queue
from app.store import deployment_steps, deployments, events, services, traces
from app.store.deployments import NewDeployment
from app.usecases.cancel import end_queued
from app.usecases.nodes import choose as choose_node

log = get("deploy")


def enqueue(db: Connection, queue: Queue, wanted: NewDeployment) -> int:
    """Insert a deployment, its steps, its first event and its job; return its id."""
    latest = wanted.service.queue == "latest"
    if latest:
        # Serialize launches: two concurrent ones wouldn't see each other's deployment.
        services.lock(db, wanted.service_id)
    now = datetime.now(UTC)
    number = deployments.add(db, wanted, now)
    names = (step.name for step in wanted.service.steps)
    steps = declare(names, first=wanted.service.first_position)
    deployment_steps.put_steps(db, number, steps)
    again = f", again after {wanted.retry_of}" if wanted.retry_of else ""
    if wanted.retry_scope is RetryScope.CONTINUE:
        again = f", continues {wanted.retry_of}"
    note = f"queued by {wanted.actor} ({wanted.origin}){again}"
    events.append_milestone(db, number, 1, now, EventKind.QUEUED, note)
    job_id = queue.defer_deployment(
        db,
        number,
        wanted.service_id,
        node=choose_node(db, wanted.service_id),
        priority=wanted.priority,
    )
    deployments.set_job(db, number, job_id)
    if latest:
        for waiting in deployments.lock_queued(db, wanted.service_id, before=number):
            end_queued(db, queue, waiting, f"replaced by deployment {number}")
    context = get_contextvars()
    if "span" in context:
        parent = Link(context["trace"], context["span"])
        traces.set_parent(db, number, parent)
    if "request" in context:
        # Of a web process: this line connects its request with the deployment.
        log.info("deployment.queued", deployment=number)
    return number
