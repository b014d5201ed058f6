"""Finish a restore: set the outcome of deployments that were active at backup time.

Deployments that were queued are canceled: they may have run since, so they are not
started now. Deployments that were running get their real outcome if the run has an
exit code; otherwise they fail, since their outcome is unknown.
"""

import shutil
from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.access import Actor, Permission
from app.domain.deployment import Deployment, Outcome, Status
from app.domain.steps import Steps
from app.encryption import SecretBox
from app.errors import BadSetting, Conflict
from app.queue import Queue
from app.settings import Settings
from app.store import (
    deployment_steps,
    deployments,
    nodes,
    sessions,
    webhook_deliveries,
    webhook_launches,
)
from app.store.deployments import LockedDeployment
from app.store.store import Store
from app.usecases import file_versions, notifications, record

WAITED = Outcome(
    Status.CANCELED,
    "it waited when the backup was made that FastDeploy was restored from; launch it "
    "again if it is still wanted",
)
MISSED = (
    "it was queued when the backup was made that FastDeploy was restored from; deliver "
    "it again if it is still wanted"
)
RAN = Outcome(
    Status.FAILED,
    "it ran when the backup was made that FastDeploy was restored from; how it ended "
    "is not known here",
)


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """The number of ended deployments, and of those that the worker will finish."""

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
    """Finish the restore of a backup of the node `was`; no worker may be running.

    This node replaces that one. All sessions are ended, since sessions that were ended
    after the backup would be valid again. Deliveries of webhooks that were queued may
    have launched since, so they launch nothing, and no commit status is sent.
    Deployments that other nodes have started are left to these. Raises NotAllowed, and
    Conflict if another node has this one's name.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        started = deployments.active(db)
    for deployment in started:
        file_versions.record(store, deployment)
    with store.begin() as db:
        if not nodes.rename(db, was, settings.node):
            raise Conflict(
                f"the backup is of {was}, and knows another node called "
                f"{settings.node}: give this one a name of its own by FASTDEPLOY_NODE"
            )
        _end_others(db)
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
            steps = Steps(deployment_steps.steps_of(db, deployment.id))
            record.end(db, deployment, outcome, steps, None)
            ended += 1
            if outcome is WAITED:
                unused.add(deployment.id)
        notifications.skip_all(db)
        there = _numbers(settings)
        unused |= there - deployments.existing_ids(db, there)
    # Folders of runs that were started while the backup was made. A later deployment
    # gets the same id, and must not find their exit code.
    for number in unused & there:
        shutil.rmtree(settings.runs / str(number))
    return RestoreResult(ended, left)


def _end_others(db: Connection) -> None:
    """End sessions, deliveries of webhooks, and the sending of commit statuses."""
    sessions.end_all(db)
    webhook_deliveries.skip_queued(db, MISSED)
    webhook_launches.give_up(db)


def _outcome(
    settings: Settings, secret_box: SecretBox, launch: LockedDeployment
) -> Outcome | None:
    """Return the outcome of a deployment; None if it is left to a worker."""
    deployment: Deployment = launch.deployment
    if deployment.status in {Status.QUEUED, Status.WAITING_FOR_APPROVAL}:
        return WAITED
    if deployment.node != settings.node:
        return None
    if not (settings.runs / str(deployment.id) / "rc").exists():
        return RAN
    try:
        secret_box.open(launch.secrets)
    except BadSetting:
        # The output after the backup can't be masked, so it is not recorded.
        return RAN
    return None


def _numbers(settings: Settings) -> set[int]:
    """Return the ids of the runs that have a folder here."""
    if not settings.runs.is_dir():
        return set()
    names = (path.name for path in settings.runs.iterdir())
    return {int(name) for name in names if name.isdecimal()}
