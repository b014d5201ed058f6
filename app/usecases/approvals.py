"""Approve and reject deployments, and cancel those that nobody approved in time."""

import re
from datetime import UTC, datetime

from sqlalchemy import Connection

from app.domain.access import Access, Actor, Permission, access_of
from app.domain.approval import COMMENT, MAX_COMMENT, Approval, Decision, Launcher
from app.domain.audit import Action
from app.domain.deployment import Deployment, Origin, Status
from app.domain.events import EventKind
from app.errors import Conflict, Invalid, NotAllowed
from app.queue import Queue
from app.store import (
    approvals,
    audit,
    deployments,
    events,
    grants,
    services,
    tokens,
    users,
)
from app.store.store import Store
from app.store.transitions import Enqueue, transition
from app.usecases.approval_requests import requester_of
from app.usecases.cancel import end_queued
from app.usecases.deploy import find, found_or_raise, permission_of
from app.usecases.enqueue import defer, replace_others
from app.usecases.retries import runnable

#: Who cancels deployments that nobody approved in time.
_EXPIRY = Actor("expiry", frozenset())


def find_approval(store: Store, deployment_id: int) -> Approval | None:
    """Return the approval that a deployment needs or needed; None if it needs none."""
    with store.begin() as db:
        return approvals.find(db, deployment_id)


def refusal(
    store: Store, actor: Actor, deployment: Deployment, approval: Approval
) -> str:
    """Return why an actor can't approve a deployment that others may approve.

    Empty if nothing is in the way.
    """
    try:
        with store.unlimited.begin() as db:
            _require_other(db, actor, deployment, approval.launcher)
    except NotAllowed as error:
        return str(error)
    return ""


def approve(
    store: Store, queue: Queue, actor: Actor, deployment_id: int, comment: str = ""
) -> None:
    """Queue a deployment that waits for an approval.

    What runs was fixed when it was launched.

    Raises:
        NotAllowed: The actor may not approve it, or has launched it.
        NotFound: There is no such deployment.
        Conflict: It doesn't wait for an approval any more, its service can't run it as
            it was launched, or who launched it may not do so now.
        Invalid: The comment is too long or has characters that can't be stored.
    """
    seen = _find(store, actor, deployment_id)
    comment = _checked(comment)
    with store.unlimited.begin() as db:
        latest = seen.service.queue == "latest"
        if latest:
            # A launch locks the service before the deployments that it replaces.
            services.lock(db, seen.service_id)
        deployment, approval = _lock_waiting(db, deployment_id)
        _require_other(db, actor, deployment, approval.launcher)
        if approvals.has_expired(db, deployment_id):
            raise Conflict(
                f"deployment {deployment_id} was not approved in time; launch it again"
            )
        _require_launcher(db, deployment, approval.launcher)
        runnable(db, deployment)
        _queue(db, queue, deployment, _describe(Decision.APPROVED, actor, comment))
        if latest:
            replace_others(db, queue, seen.service_id, deployment_id, Status.QUEUED)
        approvals.decide(db, deployment_id, Decision.APPROVED, actor.name, comment)
        _note(db, actor, Action.APPROVE, deployment, Status.QUEUED, comment)
        events.notify(db, deployment_id)


def reject(
    store: Store, queue: Queue, actor: Actor, deployment_id: int, comment: str = ""
) -> None:
    """Cancel a deployment that waits for an approval.

    Raises NotAllowed, NotFound, Conflict and Invalid as `approve` does; who launched it
    may reject it as well.
    """
    _find(store, actor, deployment_id)
    comment = _checked(comment)
    with store.unlimited.begin() as db:
        deployment, _ = _lock_waiting(db, deployment_id)
        reason = _describe(Decision.REJECTED, actor, comment)
        end_queued(db, queue, deployment, reason)
        approvals.decide(db, deployment_id, Decision.REJECTED, actor.name, comment)
        _note(db, actor, Action.REJECT, deployment, Status.CANCELED, comment)


def expire(store: Store, queue: Queue) -> int:
    """Cancel the deployments that nobody approved in time; return their number."""
    with store.begin() as db:
        found = approvals.list_expired(db)
    return sum(_expire(store, queue, number) for number in found)


def _expire(store: Store, queue: Queue, deployment_id: int) -> bool:
    with store.begin() as db:
        locked = deployments.lock(db, deployment_id)
        # It may have been decided or canceled since.
        if (
            locked is None
            or locked.deployment.status is not Status.WAITING_FOR_APPROVAL
        ):
            return False
        deployment = locked.deployment
        end_queued(db, queue, deployment, "nobody approved it in time")
        approvals.decide(db, deployment_id, Decision.EXPIRED, "")
        _note(db, _EXPIRY, Action.EXPIRE_APPROVAL, deployment, Status.CANCELED, "")
    return True


def _find(store: Store, actor: Actor, deployment_id: int) -> Deployment:
    """Return a deployment that the actor may approve. Raises NotAllowed, NotFound."""
    actor.require(Permission.APPROVE)
    found = find(store, deployment_id)
    actor.require_on(Permission.APPROVE, found.service_name)
    return found


def _checked(comment: str) -> str:
    comment = comment.strip()
    if len(comment) > MAX_COMMENT:
        raise Invalid(f"a comment has at most {MAX_COMMENT} characters")
    if not re.fullmatch(COMMENT, comment):
        raise Invalid("a comment is one line without control characters")
    return comment


def _lock_waiting(db: Connection, deployment_id: int) -> tuple[Deployment, Approval]:
    """Lock a deployment that waits for an approval. Raises NotFound and Conflict."""
    locked = deployments.lock(db, deployment_id)
    deployment = found_or_raise(locked.deployment if locked else None, deployment_id)
    approval = approvals.find(db, deployment_id)
    if approval is None:
        raise Conflict(f"deployment {deployment_id} needs no approval")
    if deployment.status is not Status.WAITING_FOR_APPROVAL:
        how = f"was {approval.decision}" if approval.decision else "has ended"
        by = f" by {approval.decided_by}" if approval.decided_by else ""
        raise Conflict(f"deployment {deployment_id} {how} already{by}")
    return deployment, approval


def _require_other(
    db: Connection, actor: Actor, deployment: Deployment, launcher: Launcher
) -> None:
    """Raise NotAllowed if the actor launched it, or determined what was launched."""
    asking = requester_of(db, actor)
    if asking == launcher.requester:
        done = "launched"
    elif asking in launcher.requesters:
        done = _describe_request(deployment)
    else:
        return
    raise NotAllowed(
        f"{actor.name} has {done} deployment {deployment.id}: somebody else has to "
        "approve it"
    )


def _describe_request(deployment: Deployment) -> str:
    """Return what those have done who determined what a deployment runs."""
    if deployment.retry_of is not None:
        return "requested the deployment that is retried by"
    if deployment.origin is Origin.WEBHOOK:
        return "repeated the delivery that launched"
    return "created or changed the schedule of"


def _require_launcher(
    db: Connection, deployment: Deployment, launcher: Launcher
) -> None:
    """Raise Conflict if the user or the token that launched it may not do so now."""
    access = _present_access(db, launcher)
    if access is None or not access.allows(
        permission_of(deployment.options), deployment.service_name
    ):
        raise Conflict(
            f"{deployment.actor} may not launch {deployment.service_name} any more: "
            "reject the deployment, and launch it again if it is still wanted"
        )


def _present_access(db: Connection, launcher: Launcher) -> Access | None:
    """Return what a launcher may do now; None if it is disabled or revoked.

    The host, schedules and webhooks have no limit.
    """
    layers: tuple[Access, ...] = ()
    if launcher.user_id is not None:
        member = users.find_member(db, launcher.user_id)
        if member is None or member.disabled_at is not None:
            return None
        layers += (access_of(member.role, grants.of_user(db, member.id)),)
    number = launcher.token_id
    if number is not None:
        token = tokens.find(db, number)
        if token is None or _is_over(token.expires_at):
            return None
        if token.limited:
            layers += (Access((frozenset(grants.of_token(db, number)),)),)
    return Access(tuple(layer for each in layers for layer in each.layers))


def _is_over(moment: datetime | None) -> bool:
    return moment is not None and moment <= datetime.now(UTC)


def _queue(db: Connection, queue: Queue, deployment: Deployment, note: str) -> None:
    """Make an approved deployment a queued one, with its job."""
    number = deployment.last_event + 1
    transition(db, deployment, Enqueue(number))
    now = datetime.now(UTC)
    events.append_milestone(db, deployment.id, number, now, EventKind.QUEUED, note)
    defer(db, queue, deployment.id, deployment.service_id, deployment.priority)


def _describe(decision: Decision, actor: Actor, comment: str) -> str:
    """Return a decision as a reason: "rejected by ada: not before Monday"."""
    return f"{decision} by {actor.name}" + (f": {comment}" if comment else "")


def _note(
    db: Connection,
    actor: Actor,
    action: Action,
    deployment: Deployment,
    status: Status,
    comment: str,
) -> None:
    audit.note(
        db,
        actor,
        action,
        deployment.service_name,
        deployment.id,
        {"status": (deployment.status, status), "comment": ("", comment)},
    )
