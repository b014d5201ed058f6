"""Handlers that tasks have notified on hosts, and that have not run there.

A run that fails after a notification leaves the handler owed. When it is repeated, the
task changes nothing, so Ansible doesn't notify the handler again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.domain.events import RunnerEvent, TaskResult

_RAN = frozenset({TaskResult.OK, TaskResult.CHANGED})


@dataclass(frozen=True, slots=True)
class OwedHandler:
    """A handler that a deployment owes a host.

    `number` is the number of the event with the first result that notified it, None if
    retention has removed the events. `task` is the task of that result.
    """

    deployment: int
    host: str
    handler: str
    task: str
    number: int | None

    def __str__(self) -> str:
        return (
            f"{self.host} still owes: {self.handler} "
            f"(changed by task {self.task} in #{self.deployment})"
        )


@dataclass(frozen=True, slots=True)
class Notified:
    """The task that notified a handler, and the number of its result's event."""

    task: str
    number: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What a batch of events changes, after what was recorded before it.

    `done` and `ran` have the host and the name of a handler. The host is empty for a
    handler that runs once for all hosts.
    """

    #: Handlers that are notified at the end of the batch.
    notified: Mapping[tuple[str, str], Notified]
    #: Handlers that ran or were skipped: notifications before the batch are settled.
    done: frozenset[tuple[str, str]]
    #: Handlers that ran successfully: those that earlier deployments owe are settled.
    ran: frozenset[tuple[str, str]]


def changes(events: Iterable[tuple[int, RunnerEvent]]) -> Changes:
    """Return what numbered events, in order, change about notified handlers.

    A handler is settled when it ran successfully, or its own condition skipped it. A
    failed handler stays owed. One that an earlier deployment owes must have run.
    """
    notified: dict[tuple[str, str], Notified] = {}
    done: set[tuple[str, str]] = set()
    ran: set[tuple[str, str]] = set()
    for number, event in events:
        if event.handler and (
            event.result in _RAN or event.result is TaskResult.SKIPPED
        ):
            key = "" if event.for_all else event.host, event.handler
            done.add(key)
            if event.result in _RAN:
                ran.add(key)
            _settle(notified, *key)
        for handler in event.notified:
            notified.setdefault((event.host, handler), Notified(event.task, number))
    return Changes(notified, frozenset(done), frozenset(ran))


def _settle(notified: dict[tuple[str, str], Notified], host: str, handler: str) -> None:
    if host:
        notified.pop((host, handler), None)
        return
    for key in [key for key in notified if key[1] == handler]:
        del notified[key]
