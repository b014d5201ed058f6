"""The events that are recorded for a deployment."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.host_facts import Facts
from app.domain.host_key_report import HostKeyReport
from app.domain.inventory import InventoryHost

#: ansible-runner's name for the event at the start of a task.
TASK_START = "playbook_on_task_start"
#: The name of the event with what was chosen to make a run faster.
SPEED = "speed"


class EventKind(StrEnum):
    """The kind of an event; the values are stored and must not change."""

    #: An actor launched the deployment, which waits for an approval.
    WAITING_FOR_APPROVAL = "waiting for approval"
    #: An actor launched the deployment, or approved it.
    QUEUED = "queued"
    #: The run was started.
    STARTED = "started"
    #: The run printed text.
    OUTPUT = "output"
    #: The run reported a step: `{"name", "state", "message"}`.
    STEP = "step"
    #: ansible-runner reported a play, a task or a host.
    RUNNER = "runner"
    #: ansible-runner reported its own status, or what was chosen for the run.
    STATUS = "status"
    #: FastDeploy's remark about the recording. The run didn't print it.
    NOTICE = "notice"
    #: ssh refused a host key, or a setting keeps it from checking them.
    HOST_KEY = "host key"
    #: The deployment ended.
    FINISHED = "finished"


class StepState(StrEnum):
    """The states of a step: those of the deployment guide, and skipped."""

    #: Declared, not started.
    PENDING = "pending"
    #: Started, not ended.
    RUNNING = "running"
    #: Ended successfully.
    SUCCESS = "success"
    #: Failed.
    FAILURE = "failure"
    #: Declared and never started.
    SKIPPED = "skipped"


class TaskResult(StrEnum):
    """The result of a task on one host, in Ansible's terms."""

    #: The task succeeded without a change.
    OK = "ok"
    #: The task changed something.
    CHANGED = "changed"
    #: A condition was false, so the task didn't run.
    SKIPPED = "skipped"
    #: The task failed, and the host leaves the play unless it is rescued.
    FAILED = "failed"
    #: The task failed or the host could not be reached, and `ignore_errors` or
    #: `ignore_unreachable` let the play continue.
    IGNORED = "ignored"
    #: The host could not be reached.
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Output:
    """Text that the run printed; `raw` has the bytes if a text can't represent them.

    `open` says that the line continues in the next event: a long line is recorded in
    several pieces.
    """

    text: str
    raw: bytes | None = None
    open: bool = False


@dataclass(frozen=True, slots=True)
class StepReported:
    """A script reported the state of a step; `line` is the printed line.

    `open` says that it printed no newline after it.
    """

    name: str
    state: StepState
    message: str
    line: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Stats:
    """Ansible's recap: the hosts with failures that were not rescued."""

    failed: frozenset[str]


@dataclass(slots=True)  # making a frozen one takes three times as long
class RunnerEvent:
    """An event of ansible-runner; `data` is the complete event as JSON.

    `message` is the module's message about a failure. `open` says that
    the last line of `stdout` continues in the next event. `seconds` is the duration of
    a task on its host. `notified` has the handlers that a changed result notifies.
    `handler` is the name of the handler that the result is of, and `for_all` says that
    it ran once for all hosts. `facts` are those that the result gathered and that are
    kept. `inventory` has the hosts of the run's inventory, at the start of its first
    play.
    """

    event: str
    at: datetime | None
    play: str
    role: str
    task: str
    host: str
    result: TaskResult | None
    stdout: str
    data: str
    stats: Stats | None = None
    message: str = ""
    open: bool = False
    seconds: float | None = None
    notified: tuple[str, ...] = ()
    handler: str = ""
    for_all: bool = False
    facts: Facts | None = None
    inventory: tuple[InventoryHost, ...] = ()


@dataclass(frozen=True, slots=True)
class RunnerStatus:
    """The status of ansible-runner, without its environment."""

    status: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A remark of FastDeploy about the recording of the run."""

    text: str


@dataclass(frozen=True, slots=True)
class HostKeyRefused:
    """ssh refused a host key."""

    report: HostKeyReport


@dataclass(frozen=True, slots=True)
class HostKeysUnchecked:
    """A setting of the service keeps Ansible from checking host keys."""

    #: Which one and where: `ansible.cfg sets host_key_checking=false`.
    setting: str


@dataclass(frozen=True, slots=True)
class SpeedChosen:
    """The runner chose what makes the run faster."""

    #: What and why: `pipelining, 5 forks (ansible.cfg sets forks=5)`.
    sentence: str


JournalEvent = (
    HostKeyRefused
    | HostKeysUnchecked
    | Notice
    | Output
    | StepReported
    | RunnerEvent
    | RunnerStatus
    | SpeedChosen
)
