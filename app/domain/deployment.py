"""A deployment: its status, the allowed transitions, and the outcome of a run."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain import escapes, revision
from app.domain.options import NO_OPTIONS, Options
from app.domain.retry import RetryScope
from app.domain.run_warning import RunWarning
from app.domain.service import Service
from app.domain.steps import Step
from app.domain.version import version_of
from app.errors import Conflict


class Status(StrEnum):
    """The status of a deployment, in ansible-runner's terms."""

    #: Waits until somebody approves it; it isn't in the queue.
    WAITING_FOR_APPROVAL = "waiting-for-approval"
    #: Waits for a worker, or for another deployment of the service to end.
    QUEUED = "queued"
    #: A worker has claimed it and starts the run.
    STARTING = "starting"
    #: The run is in progress.
    RUNNING = "running"
    #: The run ended with exit code 0, and no hidden failure was found, see `judge`.
    SUCCESSFUL = "successful"
    #: The run failed or could not be started.
    FAILED = "failed"
    #: An actor canceled it.
    CANCELED = "canceled"
    #: The run exceeded its timeout.
    TIMEOUT = "timeout"


ENDED = frozenset({Status.SUCCESSFUL, Status.FAILED, Status.CANCELED, Status.TIMEOUT})
ACTIVE = frozenset(Status) - ENDED

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.WAITING_FOR_APPROVAL: frozenset({Status.QUEUED, Status.CANCELED}),
    Status.QUEUED: frozenset({Status.STARTING, Status.CANCELED, Status.FAILED}),
    Status.STARTING: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELED}),
    Status.RUNNING: ENDED,
    Status.SUCCESSFUL: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
    Status.TIMEOUT: frozenset(),
}


class Origin(StrEnum):
    """The interface through which a deployment was launched."""

    #: A page of the web interface.
    BROWSER = "browser"
    #: The HTTP API.
    API = "api"
    #: The command line on the host.
    CLI = "cli"
    #: A schedule of the service.
    SCHEDULE = "schedule"
    #: A push, by a webhook.
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment as it is stored; its times are aware.

    `exit_code` is 128 plus the signal's number if a signal ended the run, as in a
    shell.
    """

    id: int
    service_id: int
    service_name: str
    service: Service
    status: Status
    reason: str
    actor: str
    origin: Origin
    variables: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int | None
    node: str | None
    journal_offset: int
    last_event: int
    #: When its output was removed by retention.
    pruned_at: datetime | None = None
    job_id: int | None = None
    #: Orders the queued deployments of a service, highest first; from -100 to 100.
    priority: int = 0
    #: The commit of the project's repository; empty without one.
    commit: str = ""
    #: The branch or tag that was chosen, as a full name; empty for a commit.
    ref: str = ""
    #: A digest of the uncommitted changes in the project's folder; empty without any.
    changes: str = ""
    #: The options of ansible-playbook.
    options: Options = NO_OPTIONS
    #: Whether it is a check, or runs on part of the hosts or tasks only. It doesn't
    #: count for the running version, durations and outcomes of its service.
    partial: bool = False
    #: The deployment that this one retries.
    retry_of: int | None = None
    #: Which hosts it was retried for; None if it isn't a retry.
    retry_scope: RetryScope | None = None
    #: The hosts that a retry is limited to; None without a limit.
    hosts: tuple[str, ...] | None = None
    #: Whether it continues a complete deployment: if it is successful, both together
    #: count as a successful one for the running version of the service.
    completes: bool = False
    #: The actor who requested that it is canceled.
    cancel_requested_by: str | None = None
    #: Failures that didn't change the outcome, and hosts that were dropped.
    warnings: tuple[RunWarning, ...] = ()
    #: Whether it has started and its node is away: the run may continue.
    unreachable: bool = False

    @property
    def ended(self) -> bool:
        """Whether the status is final."""
        return self.status in ENDED

    @property
    def counts(self) -> bool:
        """Whether its outcome is one of the service, not of some hosts or tasks."""
        return self.completes or not self.partial

    @property
    def version(self) -> str:
        """The version that it deploys; empty if unknown."""
        known = version_of(self.service.variables, self.variables)
        return known or revision.label(self.ref, self.commit, self.changes)

    @property
    def shown(self) -> str:
        """The state to display: `unreachable` or the status."""
        return "unreachable" if self.unreachable else self.status


def allow(now: Status, then: Status) -> None:
    """Raise Conflict unless the transition from `now` to `then` is allowed."""
    if then not in TRANSITIONS[now]:
        raise Conflict(f"a deployment that is {now} can't become {then}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The final status of a run and its reason."""

    status: Status
    reason: str


def canceled_by(actor: str) -> Outcome:
    """Return the outcome of a deployment that an actor canceled."""
    return Outcome(Status.CANCELED, f"canceled by {actor}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """The facts about a run that ended by itself, from which its outcome is judged.

    `error` is the error with which Ansible aborted the run, `last_output` the last
    printed text. `unmatched` has the host patterns if no play of the run matched a
    host; otherwise it is None. `unselected` says that the options selected no task.
    """

    exit_code: int
    #: Whether Ansible's exit code decides, as it does for a playbook service.
    playbook: bool = False
    failed_steps: Sequence[Step] = ()
    #: The step that was running when the run ended.
    ended_in: str = ""
    error: str = ""
    last_output: str = ""
    unmatched: Sequence[str] | None = None
    unselected: bool = False
    options: Options = NO_OPTIONS
    #: The inventory of the service, as its definition names it.
    inventory: str = ""
    #: The hosts of the last successful deployment, if the limit matched none.
    hosts: Sequence[str] = ()
    #: The host keys that ssh refused, as a sentence.
    host_keys: str = ""


#: Ansible's error for a limit that matches no host of the inventory.
_NO_HOSTS = "leaves us with no hosts to target"
#: The number of hosts that a reason names.
_NAMED_HOSTS = 10


def judge(end: RunEnd) -> Outcome:
    """Determine the outcome of a run and its reason."""
    if end.exit_code == 0:
        reason = _hidden_failure(end)
        return Outcome(Status.FAILED if reason else Status.SUCCESSFUL, reason)
    return Outcome(Status.FAILED, escapes.strip(_reason(end)))


def _hidden_failure(end: RunEnd) -> str:
    """Return why a run with exit code 0 failed; empty if it didn't."""
    if end.unmatched is not None:
        if end.inventory and [*end.unmatched] == ["all"] and not end.options.limit:
            return f"the inventory {end.inventory} has no hosts, nothing was run"
        about = [f"hosts: {'; '.join(end.unmatched)}"] if end.unmatched else []
        about += [f"limit: {end.options.limit}"] if end.options.limit else []
        return "no host matched, nothing was run" + (
            f" ({'; '.join(about)})" if about else ""
        )
    if end.unselected:
        return f"no task matched {' '.join(end.options.selection)}, nothing was run"
    if end.failed_steps and not end.playbook:
        names = ", ".join(step.name for step in end.failed_steps)
        return f"step in failure: {names} (exit code 0)"
    return ""


def _reason(end: RunEnd) -> str:
    how = describe_exit(end.exit_code)
    if is_limit_unmatched(end.options, end.error):
        known = _list_hosts(end.hosts)
        return f"{how}: no host matched limit {end.options.limit}{known}"
    if end.error:
        where = f" in step {end.ended_in}" if end.ended_in else ""
        return f"{how}{where}: {end.error}"
    if end.host_keys:
        return end.host_keys
    if end.failed_steps:
        step = end.failed_steps[-1]
        about = f": {step.message}" if step.message else ""
        return f"{how} in step {step.name}{about}"
    return f"{how}: {end.last_output}" if end.last_output else how


def is_limit_unmatched(options: Options, error: str) -> bool:
    """Return whether Ansible aborted a run because its limit matched no host."""
    return bool(options.limit) and _NO_HOSTS in error


def _list_hosts(hosts: Sequence[str]) -> str:
    if not hosts:
        return ""
    more = len(hosts) - _NAMED_HOSTS
    named = ", ".join(hosts[:_NAMED_HOSTS]) + (f" and {more} more" if more > 0 else "")
    return f" (hosts of the last successful deployment: {named})"


def describe_exit(exit_code: int) -> str:
    """Describe an exit code: "exit code 3", "exit code 137 (killed by SIGKILL)"."""
    try:
        name = signal.Signals(exit_code - 128).name
    except ValueError:
        return f"exit code {exit_code}"
    return f"exit code {exit_code} (killed by {name})"
