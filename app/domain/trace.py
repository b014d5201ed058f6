"""The trace of a deployment: the spans of its queue, preparation and run.

The spans are made from what was recorded, in which secrets are masked. They contain
names, times and results, and no output, variables or messages.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.deployment import Deployment, Status
from app.domain.events import StepState, TaskResult
from app.domain.service_name import split
from app.domain.steps import Step

#: The largest number of spans of plays, tasks and hosts in a trace.
MAX_SPANS = 10_000

_FAILED = frozenset({TaskResult.FAILED, TaskResult.UNREACHABLE})
_ROOT = "deployment"


@dataclass(frozen=True, slots=True)
class Span:
    """A span; `key` identifies it in its trace, `parent` is the key of its parent."""

    key: str
    name: str
    start: datetime
    end: datetime
    parent: str | None = _ROOT
    attributes: Mapping[str, str | bool] = field(default_factory=dict)
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Another span that caused the deployment, by its ids as hexadecimal digits."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of a webhook that has launched a deployment."""

    number: int
    webhook: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class PlayStarted:
    """A play has started."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task of the last play has started."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class HostDone:
    """A task, which began at `begin`, has ended on a host."""

    at: datetime
    task: str
    host: str
    result: TaskResult
    begin: datetime


RunEvent = PlayStarted | TaskStarted | HostDone


def trace_id_of(number: int, created_at: datetime, service: str) -> str:
    """Return the id of a deployment's trace: 32 hexadecimal digits.

    It is the same in every process, so that a trace that is sent twice is one trace.
    """
    return _digits(f"{number} {created_at.timestamp():.6f} {service}", 32)


def delivery_trace_id_of(delivery: Delivery) -> str:
    """Return the id of the trace of a delivery: 32 hexadecimal digits."""
    at = delivery.received_at.timestamp()
    return _digits(f"{delivery.number} {at:.6f} {delivery.webhook}", 32)


def span_id_of(trace_id: str, key: str) -> str:
    """Return the id of a span: 16 hexadecimal digits."""
    return _digits(f"{trace_id} {key}", 16)


def delivery_span(delivery: Delivery, deployment: Deployment) -> Span:
    """Return the span from a delivery of a webhook to the launch of a deployment."""
    return Span(
        f"launch {deployment.id}",
        f"webhook {delivery.webhook}",
        delivery.received_at,
        max(delivery.received_at, deployment.created_at),
        None,
        {"fastdeploy.webhook": delivery.webhook},
    )


def spans_of(
    deployment: Deployment, steps: Sequence[Step], run: Iterable[RunEvent], url: str
) -> Iterator[Span]:
    """Yield the spans of an ended deployment, the root first.

    Args:
        deployment: The deployment.
        steps: Its steps.
        run: The plays, tasks and results of its playbook, in order.
        url: The address of its page; empty if unknown.
    """
    assert deployment.finished_at is not None
    end = deployment.finished_at
    yield _root(deployment, end, url)
    start = min(deployment.started_at or end, end)
    yield Span("queue", "queue", min(deployment.created_at, start), start)
    if deployment.started_at is None:
        return
    plays = _plays(run)
    for_steps = [] if deployment.service.playbook else [s for s in steps if s.seconds]
    begins = [play.start for play in plays[:1]]
    begins += [step.started_at for step in for_steps if step.started_at]
    first = min(begins, default=end if deployment.service.playbook else start)
    yield Span("prepare", "prepare", start, max(start, min(first, end)))
    yield from plays
    yield from map(_step, for_steps)


def _root(deployment: Deployment, end: datetime, url: str) -> Span:
    name = split(deployment.service_name)
    values = {
        "deployment.id": str(deployment.id),
        "deployment.name": deployment.service_name,
        "deployment.environment.name": name.environment if name else "",
        "deployment.status": "succeeded"
        if deployment.status is Status.SUCCESSFUL
        else "failed",
        "fastdeploy.status": str(deployment.status),
        "fastdeploy.project": name.project if name else "",
        "fastdeploy.actor": deployment.actor,
        "fastdeploy.origin": str(deployment.origin),
        "fastdeploy.node": deployment.node or "",
        "vcs.ref.head.revision": deployment.commit,
        "vcs.ref.head.name": deployment.ref,
        "url.full": url,
    }
    return Span(
        _ROOT,
        f"deploy {deployment.service_name}",
        min(deployment.created_at, end),
        end,
        None,
        {key: value for key, value in values.items() if value},
        deployment.status in {Status.FAILED, Status.TIMEOUT},
    )


def _step(step: Step) -> Span:
    assert step.started_at is not None
    assert step.finished_at is not None
    return Span(
        f"step {step.position}",
        f"step {step.name}",
        step.started_at,
        max(step.started_at, step.finished_at),
        failed=step.state is StepState.FAILURE,
    )


@dataclass(slots=True)
class _Open:
    """A play or task whose end isn't known yet."""

    key: str
    name: str
    parent: str
    start: datetime
    end: datetime
    failed: bool = False

    def extend(self, host: HostDone) -> None:
        """Include the result of a host."""
        self.start = min(self.start, host.begin)
        self.end = max(self.end, host.at)
        self.failed |= host.result in _FAILED

    def span(self) -> Span:
        return Span(
            self.key, self.name, self.start, self.end, self.parent, failed=self.failed
        )


def _plays(run: Iterable[RunEvent]) -> list[Span]:
    """Return the spans of plays, tasks and hosts, ordered by plays and tasks."""
    opened: list[_Open] = []
    hosts: list[Span] = []
    play: _Open | None = None
    tasks: dict[str, _Open] = {}
    for number, event in enumerate(run):
        match event:
            case PlayStarted(at, name):
                play = _Open(f"play {number}", f"play {name}", _ROOT, at, at)
                opened.append(play)
                tasks = {}
            case TaskStarted(at, name):
                parent = play.key if play else _ROOT
                task = _Open(f"task {number}", f"task {name}", parent, at, at)
                tasks[name] = task
                opened.append(task)
            case HostDone():
                found = tasks.get(event.task)
                for each in filter(None, (found, play)):
                    each.extend(event)
                parent = found.key if found else play.key if play else _ROOT
                hosts.append(_host(event, number, parent))
    return [*(each.span() for each in opened), *hosts]


def _host(event: HostDone, number: int, parent: str) -> Span:
    return Span(
        f"host {number}",
        event.host,
        event.begin,
        event.at,
        parent,
        {"host.name": event.host, "fastdeploy.result": str(event.result)},
        event.result in _FAILED,
    )


def _digits(text: str, number: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:number]
