"""The steps of a deployment: declared by the service, updated by the run's events."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain import escapes
from app.domain.duration import seconds_between
from app.domain.events import (
    JournalEvent,
    RunnerEvent,
    StepReported,
    StepState,
    TaskResult,
)
from app.runner.journal import ENVIRONMENT_STEP

#: Maximum length of a name; the event has the full name.
MAX_NAME = 200
#: Maximum length of a message; the event has the full message.
MAX_MESSAGE = 2000
#: Maximum number of steps; lines that report further ones are still recorded.
MAX_STEPS = 1000
#: Separates the step from the rest of a task's name, as in Ansible's own output.
SEPARATOR = " | "

_ANY = frozenset(StepState) - {StepState.PENDING}
#: The allowed transitions. A script may repeat a step that has ended, and a rescued
#: failure becomes a success; no step becomes pending again.
TRANSITIONS: dict[StepState, frozenset[StepState]] = {
    StepState.PENDING: frozenset(StepState),
    StepState.RUNNING: _ANY,
    StepState.SUCCESS: _ANY,
    StepState.FAILURE: _ANY,
    StepState.SKIPPED: _ANY,
}

_ENDED = frozenset({StepState.SUCCESS, StepState.FAILURE, StepState.SKIPPED})
_NOT_BEGUN = frozenset({StepState.PENDING, StepState.SKIPPED})
_FAILURES = frozenset({TaskResult.FAILED, TaskResult.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one deployment; `failed_hosts` are the hosts that failed in it."""

    position: int
    name: str
    declared: bool
    state: StepState = StepState.PENDING
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failed_hosts: tuple[str, ...] = ()

    @property
    def seconds(self) -> float | None:
        """Duration in seconds; None if it didn't start or hasn't ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return seconds_between(self.started_at, self.finished_at)


class Steps:
    """The steps of one deployment, computed from its events.

    Create it with the stored steps, call `apply` for each event, and store the steps
    that `take_changed` returns.
    """

    def __init__(self, stored: Iterable[Step]) -> None:
        # Hosts are stored separately from their steps, in the order of their last
        # failure: a tuple that grows with each failure would take quadratic time.
        self._steps: dict[str, Step] = {}
        self._hosts: dict[str, dict[str, None]] = {}
        for step in stored:
            self._steps[step.name] = replace(step, failed_hosts=())
            self._hosts[step.name] = dict.fromkeys(step.failed_hosts)
        self._changed: dict[str, Step] = {}
        running = [s for s in self._steps.values() if s.state is StepState.RUNNING]
        self._current = running[-1].name if running else None

    def __iter__(self) -> Iterator[Step]:
        return map(self._with_hosts, self._steps.values())

    def take_changed(self) -> list[Step]:
        """Return the steps that changed since the last call."""
        changed, self._changed = list(self._changed.values()), {}
        return [self._with_hosts(step) for step in changed]

    def apply(self, event: JournalEvent, at: datetime) -> int | None:
        """Apply one event; return the position of the step that it belongs to."""
        if isinstance(event, RunnerEvent):
            return self._apply_runner(event, at)
        if isinstance(event, StepReported):
            return self._apply_report(event, at)
        return self._position_of(self._current)

    def finish(self, *, well: bool, reason: str, at: datetime) -> None:
        """Set the final state of every step when the run has ended.

        A pending step becomes skipped. A running step gets the outcome of the run:
        `well` says that it succeeded, otherwise `reason` says why not.
        """
        for step in list(self._steps.values()):
            if step.state is StepState.PENDING:
                self._set(step, StepState.SKIPPED, step.message, at)
            elif step.state is StepState.RUNNING:
                state = StepState.SUCCESS if well else StepState.FAILURE
                self._set(step, state, step.message if well else reason, at)

    @property
    def failed(self) -> list[Step]:
        """The failed steps, in order."""
        return [s for s in self if s.state is StepState.FAILURE]

    @property
    def running(self) -> str:
        """The name of the running step; empty if none is running."""
        step = self._steps.get(self._current or "")
        return step.name if step and step.state is StepState.RUNNING else ""

    def _apply_report(self, event: StepReported, at: datetime) -> int | None:
        step = self._find_or_add(event.name)
        if step is None:
            return None
        if event.state not in TRANSITIONS[step.state]:
            return step.position
        self._set(step, event.state, event.message, at)
        if event.state is StepState.RUNNING:
            self._current = step.name
        elif self._current == step.name:
            self._current = None
        return step.position

    def _apply_runner(self, event: RunnerEvent, at: datetime) -> int | None:
        if event.event == "playbook_on_start":
            # A script may run several playbooks, each with its own recap.
            self._forget_hosts()
        if event.stats is not None:
            self._settle(event.stats.failed, at)
            return None
        if not event.task:
            return self._position_of(self._current)
        step = self._find_or_add(self._name_for(event))
        if step is None:
            return None
        if step.name != self._current:
            self._leave_current(at)
            self._current = step.name
        hosts = self._hosts.setdefault(step.name, {})
        if event.result in _FAILURES:
            message = _describe_failure(step, event, again=event.host in hosts)
            hosts.pop(event.host, None)
            hosts[event.host] = None
            self._set(step, StepState.FAILURE, message, at)
        elif step.state is not StepState.RUNNING and not hosts:
            self._set(step, StepState.RUNNING, step.message, at)
        return step.position

    def _name_for(self, event: RunnerEvent) -> str:
        prefix, found, _ = event.task.partition(SEPARATOR)
        if found and prefix.strip():
            return prefix.strip()
        return event.role or event.play or event.task

    def _leave_current(self, at: datetime) -> None:
        """End the running step, because Ansible has started the next one."""
        step = self._steps.get(self._current or "")
        if step is not None and step.state is StepState.RUNNING:
            self._set(step, StepState.SUCCESS, step.message, at)

    def _settle(self, failed: frozenset[str], at: datetime) -> None:
        """Reset the failures that were rescued according to the recap.

        The final failure of a host in `failed` is in the last step that it failed in.
        All earlier failures, and all failures of other hosts, were rescued.
        """
        self._leave_current(at)
        self._current = None
        last = {
            host: name
            for name in self._steps
            for host in self._hosts.get(name, ())
            if host in failed
        }
        for step in list(self._steps.values()):
            hosts = self._hosts.get(step.name, {})
            final = dict.fromkeys(h for h in hosts if last.get(h) == step.name)
            self._hosts[step.name] = final
            if hosts and not final:
                self._set(step, StepState.SUCCESS, f"{step.message} (rescued)", at)
            elif len(final) < len(hosts):
                self._set(step, step.state, step.message, at)

    def _forget_hosts(self) -> None:
        for name, hosts in self._hosts.items():
            if hosts:
                hosts.clear()
                self._keep(self._steps[name])

    def _find_or_add(self, name: str) -> Step | None:
        name = cut(name, MAX_NAME)
        step = self._steps.get(name)
        if step is None:
            if len(self._steps) >= MAX_STEPS:
                return None
            step = Step(self._free_position(name), name, declared=False)
            self._steps[name] = step
        return step

    def _free_position(self, name: str) -> int:
        taken = {step.position for step in self._steps.values()}
        if name == ENVIRONMENT_STEP and 1 not in taken:
            return 1
        return max(taken, default=0) + 1

    def _set(self, step: Step, state: StepState, message: str, at: datetime) -> None:
        started_at = None if state in _NOT_BEGUN else step.started_at or at
        # Without `replace`, which takes longer than the rest.
        changed = Step(
            step.position,
            step.name,
            step.declared,
            state,
            cut(escapes.strip(message), MAX_MESSAGE),
            started_at,
            max(at, started_at or at) if state in _ENDED else None,
        )
        self._keep(changed)

    def _keep(self, step: Step) -> None:
        self._steps[step.name] = step
        self._changed[step.name] = step

    def _with_hosts(self, step: Step) -> Step:
        return replace(step, failed_hosts=tuple(self._hosts.get(step.name, ())))

    def _position_of(self, name: str | None) -> int | None:
        return self._steps[name].position if name in self._steps else None


def _describe_failure(step: Step, event: RunnerEvent, *, again: bool) -> str:
    """Describe a failure; further hosts that fail in the same task are counted."""
    said = escapes.strip(f"{event.task}: {event.result} on ")
    # The count is read from the message, so a worker that resumes the run has it.
    earlier = 0
    if step.message.startswith(said):
        counted = re.match(r"(\d+) hosts", step.message[len(said) :])
        earlier = int(counted[1]) if counted else 1
    count = earlier if again and earlier else earlier + 1
    hosts = event.host if count == 1 else f"{count} hosts"
    why = f": {event.message}" if event.message else ""
    return f"{said}{hosts}{why}"


def declare(names: Iterable[str], *, first: int = 1) -> list[Step]:
    """Return the declared steps of a new deployment.

    `first` is the position of the first one; a project needs position 1 for the step
    that builds its execution environment.
    """
    return [
        Step(position=position, name=name, declared=True)
        for position, name in enumerate(names, start=first)
    ]


def cut(text: str, limit: int) -> str:
    """Truncate a text to `limit` characters, with an ellipsis at the end."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
