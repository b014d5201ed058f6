"""Restoring: what was going on when the backup was made ends with the truth.

A backup is of a moment, and the world has gone on since. What waited then is not
launched now, for it has long been; of what ran then nobody here knows how it ended,
unless its run had left its exit code behind.
"""

import shutil
from dataclasses import dataclass

from app.domain.access import Actor, Permission
from app.domain.deployment import Deployment, Outcome, Status
from app.domain.steps import Steps
from app.encryption import SecretBox
from app.errors import BadSetting, Conflict
from app.queue import Queue
from app.settings import Settings
from app.store import auth, deployments, nodes
from app.store.deployments import LockedDeployment
from app.store.store import Store
from app.usecases import record

WAITED = Outcome(
    Status.CANCELED,
    "it waited when the backup was made that FastDeploy was restored from; launch it "
    "again if it is still wanted",
)
RAN = Outcome(
    Status.FAILED,
    "it ran when the backup was made that FastDeploy was restored from; how it ended "
    "is not known here",
)


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What a restore has ended, and what the worker still brings to its end."""

    ended: int
    left: int


def settle(
    store: Store,
    settings: Settings,
    secret_box: SecretBox,
    queue: Queue,
    actor: Actor,
    *,
    was: str,
) -> RestoreResult:
    """Settle what a backup of the node called `was` brought here; no worker runs.

    This node takes that one's place. Everybody has to log in again, since a session
    that has been ended meanwhile would else be back. Deployments that other nodes have
    begun are left to those. Raises NotAllowed, and Conflict if there is another node
    of this one's name.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        if not nodes.rename(db, was, settings.node):
            raise Conflict(
                f"the backup is of {was}, and knows another node called "
                f"{settings.node}: give this one a name of its own by FASTDEPLOY_NODE"
            )
        auth.end_all_sessions(db)
        ended = left = 0
        unused = set()
        for deployment in deployments.active(db):
            locked = deployments.lock(db, deployment.id)
            assert locked is not None
            outcome = _outcome(settings, secret_box, locked)
            if outcome is None:
                left += deployment.node == settings.node
                continue
            if deployment.job_id is not None:
                queue.drop_job(db, deployment.job_id)
            steps = Steps(deployments.steps_of(db, deployment.id))
            record.end(db, deployment, outcome, steps, None)
            ended += 1
            if outcome is WAITED:
                unused.add(deployment.id)
        there = _numbers(settings)
        unused |= there - deployments.existing_ids(db, there)
    # Of runs that were begun while the backup was made. A later deployment gets the
    # same number, and must not find their exit code.
    for number in unused & there:
        shutil.rmtree(settings.runs / str(number))
    return RestoreResult(ended, left)


def _outcome(
    settings: Settings, secret_box: SecretBox, launch: LockedDeployment
) -> Outcome | None:
    """How a deployment ends by the restore; None if it is left to a worker."""
    deployment: Deployment = launch.deployment
    if deployment.status is Status.QUEUED:
        return WAITED
    if deployment.node != settings.node:
        return None
    if not (settings.runs / str(deployment.id) / "rc").exists():
        return RAN
    try:
        secret_box.open(launch.secrets)
    except BadSetting:
        # What it printed after the backup can't be masked, so it is not recorded.
        return RAN
    return None


def _numbers(settings: Settings) -> set[int]:
    """The numbers of the runs that have a folder here."""
    if not settings.runs.is_dir():
        return set()
    names = (path.name for path in settings.runs.iterdir())
    return {int(name) for name in names if name.isdecimal()}
