"""Decide whether a launch needs an approval."""

from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.access import Actor
from app.domain.approval import Launcher
from app.domain.service import Service
from app.store import approvals, tokens
from app.store.deployments import NewDeployment


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """The approval that a new deployment needs, within a number of seconds."""

    launcher: Launcher
    seconds: int


def of_launch(
    db: Connection,
    present: Service | None,
    wanted: NewDeployment,
    actor: Actor,
    requesters: tuple[str, ...] = (),
) -> ApprovalRequest | None:
    """Return the approval that a launch needs; None if it needs none.

    A check needs none. The registered service decides as well, so that a commit from
    before the key was set can't be launched without.
    """
    if wanted.options.check:
        return None
    asking = [
        each for each in (wanted.service, present) if each is not None and each.approval
    ]
    if not asking:
        return None
    launcher = Launcher(
        identity=actor.key_owner,
        user_id=user_of(db, actor),
        token_id=actor.token_id,
        requesters=requesters,
    )
    return ApprovalRequest(launcher, min(each.approval_timeout for each in asking))


def requesters_of(db: Connection, deployment_id: int) -> tuple[str, ...]:
    """Return the identities of who determined what a deployment runs.

    Without an approval, they aren't known.
    """
    approval = approvals.find(db, deployment_id)
    if approval is None:
        return ()
    return (approval.launcher.requester, *approval.launcher.requesters)


def requester_of(db: Connection, actor: Actor) -> str:
    """Return the identity of who makes a request, whether by session or by token."""
    user_id = user_of(db, actor)
    return actor.key_owner if user_id is None else f"user:{user_id}"


def user_of(db: Connection, actor: Actor) -> int | None:
    """Return the user of a session or of a personal token; None for other actors."""
    number = actor.token_id
    token = tokens.find(db, number) if number is not None else None
    owner = token.owner if token else None
    return owner.id if owner else actor.user_id
