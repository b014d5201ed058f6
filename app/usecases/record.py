"""Record a run: its start, the events of its journal, and its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from app.domain.deployment import (
    Deployment,
    Outcome,
    RunEnd,
    Status,
    describe_exit,
    judge,
)
from app.domain.events import EventKind
from app.domain.host import HostOutcome
from app.domain.run_warning import RunWarning
from app.domain.steps import Step, Steps
from app.errors import Conflict, NotFound
from app.runner.working_tree import WorkingTree
from app.store import (
    deployment_steps,
    deployments,
    events,
    host_records,
    owed_handlers,
)
from app.store.deployments import LockedDeployment
from app.store.events import Occurrence
from app.store.store import Store
from app.store.transitions import Claim, End, RunStart, transition
from app.usecases import file_versions, notifications, run_hosts, run_profile
from app.usecases.evidence import Evidence, gather

#: The runner's exit code for a run that it ended itself. It does so after the service's
#: timeout, in case no worker is running.
RUNNER_ENDED_IT = 254
TIMED_OUT = Outcome(Status.TIMEOUT, "it exceeded its timeout")
_TIMED_OUT = {"timeout": TIMED_OUT}


@dataclass(frozen=True, slots=True)
class Place:
    """The recorded position in a journal: bytes, and the last event's number."""

    offset: int
    last_event: int


def mark_starting(store: Store, deployment_id: int, node: str) -> LockedDeployment:
    """Claim a deployment for this node: a queued one becomes starting.

    Any other deployment is returned unchanged. Raises NotFound.
    """
    with store.begin() as db:
        launch = deployments.lock(db, deployment_id)
        if launch is None:
            raise NotFound(f"there is no deployment {deployment_id}")
        if launch.deployment.status is not Status.QUEUED:
            return launch
        now = datetime.now(UTC)
        transition(db, launch.deployment, Claim(node, now))
        events.notify(db, deployment_id)
        begun = deployments.lock(db, deployment_id)
        assert begun is not None
        return begun


def mark_running(
    store: Store, deployment: Deployment, working_tree: WorkingTree | None = None
) -> Deployment:
    """Record that the run was started, unless this was recorded before.

    Args:
        store: The store.
        deployment: The deployment.
        working_tree: The state of the project's folder, if it is in a git repository.
    """
    with store.begin() as db:
        now = _locked(deployments.lock(db, deployment.id))
        if now.status is not Status.STARTING:
            return now
        number = now.last_event + 1
        transition(db, now, RunStart(number))
        if working_tree is not None:
            deployments.set_working_tree(
                db, now.id, working_tree.commit, working_tree.changes
            )
        note = f"started on {now.node}"
        at = datetime.now(UTC)
        events.append_milestone(db, deployment.id, number, at, EventKind.STARTED, note)
        events.notify(db, deployment.id)
        return _locked(deployments.lock(db, deployment.id))


def stored_steps(store: Store, deployment_id: int) -> Steps:
    """Return the stored steps of a deployment, to apply further events to them."""
    with store.begin() as db:
        return Steps(deployment_steps.steps_of(db, deployment_id))


def record(
    store: Store,
    deployment_id: int,
    *,
    was: Place,
    offset: int,
    batch: Sequence[Occurrence],
    changed: Sequence[Step],
) -> Place:
    """Record a piece of the journal that ends at `offset`.

    Events, steps, owed handlers, hosts, the offset and the notification are one
    transaction. The versions of files are recorded later, by `file_versions.record`.
    Raises Conflict if the deployment is not at `was`: then another worker follows it.
    """
    now = Place(offset, was.last_event + len(batch))
    with store.begin() as db:
        if not deployments.advance(
            db,
            deployment_id,
            was=(was.offset, was.last_event),
            now=(now.offset, now.last_event),
        ):
            raise Conflict(f"deployment {deployment_id} is followed by another worker")
        events.append(db, deployment_id, was.last_event, batch)
        deployment_steps.put_steps(db, deployment_id, changed)
        owed_handlers.record(db, deployment_id, was.last_event, batch)
        host_records.record(db, deployment_id, batch)
        events.notify(db, deployment_id)
    return now


def finish(
    store: Store,
    deployment_id: int,
    exit_code: int,
    ended: Outcome | None = None,
    trouble: str = "",
    *,
    at: datetime | None = None,
) -> None:
    """Record the end of a run with an exit code.

    Args:
        store: Where deployments are.
        deployment_id: The deployment of the run.
        exit_code: The exit code of the run.
        ended: The outcome for which FastDeploy ended the run; None if the run ended
            by itself, also if this was just before the first signal.
        trouble: A problem on this host, which is added to the reason of the outcome.
        at: The time of the end; the present by default.
    """
    with store.begin() as db:
        steps = Steps(deployment_steps.steps_of(db, deployment_id))
        if ended is None and exit_code == RUNNER_ENDED_IT:
            ended = _TIMED_OUT.get(events.last_status(db, deployment_id))
        found = _known(deployments.find(db, deployment_id))
        left = Evidence() if ended else gather(db, found, exit_code, steps)
    ended_in = steps.running
    how = f"the run ended in this step: {describe_exit(exit_code)}"
    steps.finish(
        well=exit_code == 0 and ended is None,
        reason=ended.reason if ended else left.error or how,
        at=at or datetime.now(UTC),
    )
    outcome = ended or judge(
        RunEnd(
            exit_code=exit_code,
            playbook=found.service.playbook is not None,
            failed_steps=steps.failed,
            ended_in=ended_in,
            error=left.error,
            last_output=left.last_output,
            unmatched=left.unmatched,
            unselected=left.unselected,
            options=found.options,
            inventory=found.service.inventory or "",
            hosts=left.hosts,
            host_keys=left.host_keys,
        )
    )
    if trouble:
        reason = "; ".join(filter(None, (outcome.reason, trouble)))
        outcome = Outcome(outcome.status, reason)
    _end(store, found, outcome, steps, exit_code, left.warnings, at=at)


def fail(
    store: Store,
    deployment_id: int,
    reason: str,
    status: Status = Status.FAILED,
    *,
    at: datetime | None = None,
) -> None:
    """Record the end of a deployment without an exit code: not started, or vanished."""
    with store.begin() as db:
        steps = Steps(deployment_steps.steps_of(db, deployment_id))
        found = _known(deployments.find(db, deployment_id))
    steps.finish(well=False, reason=reason, at=at or datetime.now(UTC))
    _end(store, found, Outcome(status, reason), steps, None, at=at)


def cancel_wished_by(store: Store, deployment_id: int) -> str | None:
    """Return the actor who requested a cancellation, if any."""
    with store.begin() as db:
        return deployments.cancel_requested_by(db, deployment_id)


def _end(
    store: Store,
    found: Deployment,
    outcome: Outcome,
    steps: Steps,
    exit_code: int | None,
    warnings: Sequence[RunWarning] = (),
    *,
    at: datetime | None = None,
) -> None:
    outcomes: Sequence[HostOutcome] = ()
    if not found.ended:
        # In transactions of their own: they may take a second after a large run.
        file_versions.record_all(store, found)
        run_profile.measure(store, found)
        outcomes = run_hosts.measure(store, found, outcome.status)
    with store.begin() as db:
        deployment = _locked(deployments.lock(db, found.id))
        # Otherwise the end was recorded by a worker that was killed right afterwards.
        if not deployment.ended:
            end(db, deployment, outcome, steps, exit_code, warnings, at=at)
            host_records.record_end(db, found.id, found.version, outcomes)


def end(
    db: Connection,
    deployment: Deployment,
    outcome: Outcome,
    steps: Steps,
    exit_code: int | None,
    warnings: Sequence[RunWarning] = (),
    *,
    at: datetime | None = None,
) -> None:
    """Record the end of a locked deployment: status, steps, last event and messages.

    Pending steps become skipped. The end is never before the start, even if the clock
    was set back. Raises Conflict if the transition isn't allowed.
    """
    began = deployment.started_at or deployment.created_at
    now = max(at or datetime.now(UTC), began)
    number = deployment.last_event + 1
    steps.finish(well=False, reason=outcome.reason, at=now)
    deployment_steps.put_steps(db, deployment.id, steps.take_changed())
    transition(db, deployment, End(outcome, exit_code, warnings, number, now))
    about = f": {outcome.reason}" if outcome.reason else ""
    note = f"{outcome.status}{about}"
    events.append_milestone(db, deployment.id, number, now, EventKind.FINISHED, note)
    notifications.note_end(db, deployment, outcome.status)
    events.notify(db, deployment.id)


def _locked(launch: LockedDeployment | None) -> Deployment:
    return _known(None if launch is None else launch.deployment)


def _known(deployment: Deployment | None) -> Deployment:
    if deployment is None:
        raise NotFound("the deployment is gone")
    return deployment
