"""What can happen to a deployment: the events that are recorded, in order, for good."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventKind(StrEnum):
    """What an event is about; kept in the database, so a value never changes."""

    #: A person, a token or a schedule asked for the deployment.
    QUEUED = "queued"
    #: The run was started.
    STARTED = "started"
    #: The run printed text.
    OUTPUT = "output"
    #: The run reported a step: `{"name", "state", "message"}`.
    STEP = "step"
    #: ansible-runner told of a play, a task or a host.
    RUNNER = "runner"
    #: ansible-runner told how it is doing itself.
    STATUS = "status"
    #: FastDeploy says something about the recording itself. The run didn't print it.
    NOTICE = "notice"
    #: The deployment ended.
    FINISHED = "finished"


class StepState(StrEnum):
    """The states of a step: the deployment guide's words, and skipped."""

    #: Declared, not begun.
    PENDING = "pending"
    #: Begun, not ended.
    RUNNING = "running"
    #: Ended well.
    SUCCESS = "success"
    #: Ended badly.
    FAILURE = "failure"
    #: Declared and never begun.
    SKIPPED = "skipped"


class TaskResult(StrEnum):
    """How a task ended on one host, in Ansible's words."""

    #: It was already as it should be.
    OK = "ok"
    #: Something was changed.
    CHANGED = "changed"
    #: A condition kept it from running.
    SKIPPED = "skipped"
    #: It failed, and the host leaves the play unless it is rescued.
    FAILED = "failed"
    #: It failed or the host could not be reached, and `ignore_errors` or
    #: `ignore_unreachable` let the play go on.
    IGNORED = "ignored"
    #: The host could not be reached.
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Output:
    """Text that the run printed; `raw` where the text can't hold its bytes.

    `open` says that the line goes on in the next event: a line of any length is kept
    whole, in pieces.
    """

    text: str
    raw: bytes | None = None
    open: bool = False


@dataclass(frozen=True, slots=True)
class StepReported:
    """A script told the state of a step; `line` is what it printed.

    `open` says that it printed no newline behind it.
    """

    name: str
    state: StepState
    message: str
    line: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Stats:
    """Ansible's recap: hosts that failed, counting no failure that was rescued."""

    failed: frozenset[str]


@dataclass(frozen=True, slots=True)
class RunnerEvent:
    """An event of ansible-runner; `data` is the whole of it as JSON.

    `message` is what the module said of its result, say why it failed. `open` says that
    the last line of `stdout` goes on in the next event.
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


@dataclass(frozen=True, slots=True)
class RunnerStatus:
    """ansible-runner's own status, without the environment it comes with."""

    status: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What FastDeploy says about its recording of the run."""

    text: str


JournalEvent = Notice | Output | StepReported | RunnerEvent | RunnerStatus
