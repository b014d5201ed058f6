"""A deployment: its states, the way between them, and how a run's end is judged."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain import escapes
from app.domain.run_warning import RunWarning
from app.domain.service import Service
from app.domain.steps import Step
from app.domain.version import version_of
from app.errors import Conflict


class Status(StrEnum):
    """The states of a deployment, in ansible-runner's words."""

    #: Waits for a worker, or for another deployment of the service to end.
    QUEUED = "queued"
    #: A worker has it and starts the run.
    STARTING = "starting"
    #: The run goes on.
    RUNNING = "running"
    #: The run ended with exit code 0, and nothing fails it all the same, see `judge`.
    SUCCESSFUL = "successful"
    #: It ended in another way, or could not be started.
    FAILED = "failed"
    #: Somebody ended it.
    CANCELED = "canceled"
    #: It took longer than it may.
    TIMEOUT = "timeout"


ENDED = frozenset({Status.SUCCESSFUL, Status.FAILED, Status.CANCELED, Status.TIMEOUT})
ACTIVE = frozenset(Status) - ENDED

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.STARTING, Status.CANCELED, Status.FAILED}),
    Status.STARTING: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELED}),
    Status.RUNNING: ENDED,
    Status.SUCCESSFUL: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
    Status.TIMEOUT: frozenset(),
}


class Origin(StrEnum):
    """Where a deployment was asked for."""

    #: A page of the web interface.
    BROWSER = "browser"
    #: The HTTP API.
    API = "api"
    #: The command line on the host.
    CLI = "cli"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment as it is stored; its times are aware.

    `exit_code` is 128 and the signal's number where a signal ended the run, as a
    shell says it.
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
    #: When what it printed was removed, because it was old.
    pruned_at: datetime | None = None
    job_id: int | None = None
    #: Higher ones of a service come first; between -100 and 100.
    priority: int = 0
    #: The deployment that this one repeats.
    retry_of: int | None = None
    #: Who asked that it ends, while it goes on.
    cancel_requested_by: str | None = None
    #: What went wrong in it without making it fail, and hosts that were left out.
    warnings: tuple[RunWarning, ...] = ()
    #: Whether it was begun and nothing is heard of its node: the run may well go on.
    unreachable: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ENDED

    @property
    def version(self) -> str:
        """The version that it brings; empty where that is not known."""
        return version_of(self.service, self.variables)

    @property
    def shown(self) -> str:
        """The state as people see it: the status, or that nothing is known of it."""
        return "unreachable" if self.unreachable else self.status


def allow(now: Status, then: Status) -> None:
    """Raise Conflict unless a deployment may go from `now` to `then`."""
    if then not in TRANSITIONS[now]:
        raise Conflict(f"a deployment that is {now} can't become {then}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    status: Status
    reason: str


def canceled_by(actor: str) -> Outcome:
    """The end of a deployment that somebody ended."""
    return Outcome(Status.CANCELED, f"canceled by {actor}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """What is known of a run that has ended by itself.

    `error` is the error with which Ansible ended the run, `last_output` the last text
    that was printed. `unmatched` has the host patterns of a run in which no play
    matched a host; it is None in any other.
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


def judge(end: RunEnd) -> Outcome:
    """Judge how a run ended, and say why."""
    if end.exit_code == 0:
        reason = _hidden_failure(end)
        return Outcome(Status.FAILED if reason else Status.SUCCESSFUL, reason)
    return Outcome(Status.FAILED, escapes.strip(_reason(end)))


def _hidden_failure(end: RunEnd) -> str:
    """Why a run failed although its exit code is 0; empty if it didn't fail."""
    if end.unmatched is not None:
        hosts = f" (hosts: {'; '.join(end.unmatched)})" if end.unmatched else ""
        return f"no host matched, nothing was run{hosts}"
    if end.failed_steps and not end.playbook:
        names = ", ".join(step.name for step in end.failed_steps)
        return f"step in failure: {names} (exit code 0)"
    return ""


def _reason(end: RunEnd) -> str:
    how = describe_exit(end.exit_code)
    if end.error:
        where = f" in step {end.ended_in}" if end.ended_in else ""
        return f"{how}{where}: {end.error}"
    if end.failed_steps:
        step = end.failed_steps[-1]
        about = f": {step.message}" if step.message else ""
        return f"{how} in step {step.name}{about}"
    return f"{how}: {end.last_output}" if end.last_output else how


def describe_exit(exit_code: int) -> str:
    """Say how a program ended: "exit code 3", "exit code 137 (killed by SIGKILL)"."""
    try:
        name = signal.Signals(exit_code - 128).name
    except ValueError:
        return f"exit code {exit_code}"
    return f"exit code {exit_code} (killed by {name})"
