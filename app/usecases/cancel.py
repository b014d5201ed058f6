"""Cancel a deployment: immediately if it is queued, through its worker if it runs."""

from datetime import UTC, datetime

from sqlalchemy import Connection

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.deployment import Deployment, Outcome, Status, canceled_by
from app.domain.steps import Steps
from app.errors import Conflict, NotFound
from app.queue import Queue
from app.store import audit, deployment_steps, deployments, events
from app.store.store import Store
from app.usecases import record


def cancel(store: Store, queue: Queue, actor: Actor, deployment_id: int) -> None:
    """Request the cancellation of a deployment.

    A deployment that is queued or waits for an approval is canceled immediately, with
    its job. A started one is ended by
    its worker, within a second or as soon as the worker is back. Repeated requests have
    no effect. Raises NotAllowed, NotFound, and Conflict if it has already ended.
    """
    actor.require(Permission.CANCEL)
    with store.begin() as db:
        found = deployments.find(db, deployment_id)
    if found is None:
        raise NotFound(f"there is no deployment {deployment_id}")
    actor.require_on(Permission.CANCEL, found.service_name)
    with store.unlimited.begin() as db:
        launch = deployments.lock(db, deployment_id)
        if launch is None:
            raise NotFound(f"there is no deployment {deployment_id}")
        deployment = launch.deployment
        if deployment.ended:
            raise Conflict(
                f"deployment {deployment_id} has ended already: {deployment.status}"
            )
        if deployment.cancel_requested_by is None:
            now = datetime.now(UTC)
            deployments.request_cancel(db, deployment_id, actor.name, now)
            audit.note(db, actor, Action.CANCEL, deployment.service_name, deployment_id)
        if deployment.status in {Status.QUEUED, Status.WAITING_FOR_APPROVAL}:
            end_queued(db, queue, deployment, canceled_by(actor.name).reason)
        else:
            events.notify(db, deployment_id)


def end_queued(
    db: Connection, queue: Queue, deployment: Deployment, reason: str
) -> None:
    """Cancel a deployment that hasn't started, and its job; the caller has locked it.

    It is queued, or waits for an approval.
    """
    if deployment.job_id is not None:
        queue.cancel_job(db, deployment.job_id)
    steps = Steps(deployment_steps.steps_of(db, deployment.id))
    record.end(db, deployment, Outcome(Status.CANCELED, reason), steps, None)
