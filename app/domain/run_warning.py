"""Warnings: failures that didn't change the outcome, and hosts that were dropped.

For a playbook service, Ansible's exit code decides the outcome. A failure after which
the playbook continued becomes a warning of the deployment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

from app.domain.events import TaskResult
from app.domain.matrix import label

#: Maximum number of warnings of a deployment, and of host names in each.
MAX_WARNINGS = 50
MAX_HOSTS = 100
#: Maximum number of host names in a sentence.
_NAMED = 10


#: The result on the hosts of a warning; empty for dropped hosts.
Result = Literal["failed", "unreachable", ""]


class WarningKind(StrEnum):
    """The kind of a warning; the values are stored in the database."""

    #: A host failed, and `meta: clear_host_errors` let the playbook succeed.
    CLEARED = "cleared"
    #: A host failed in a block whose `rescue` succeeded.
    RESCUED = "rescued"
    #: A host could not be reached, and `ignore_unreachable` let the playbook continue.
    IGNORED = "ignored"
    #: Hosts ran no further tasks, because another host's failure ended their play.
    DROPPED = "dropped"
    #: A setting of the service keeps Ansible from checking host keys; `step` names it.
    UNCHECKED = "unchecked"
    #: The playbook doesn't have an owed handler, which `task` names, for these hosts.
    STILL_OWED = "still owed"


@dataclass(frozen=True, slots=True)
class Setback:
    """A task that failed on a host or couldn't reach it, reported by event `number`."""

    number: int
    host: str
    task: str
    step: str
    result: TaskResult
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class RunWarning:
    """A warning about `count` hosts with the same result, of which `hosts` names some.

    `result` is failed or unreachable. For dropped hosts it is empty, and `step` is the
    name of their play.
    """

    kind: WarningKind
    step: str
    task: str
    result: Result
    hosts: tuple[str, ...]
    count: int

    def __str__(self) -> str:
        """Return the warning as a sentence."""
        if self.kind is WarningKind.DROPPED:
            hosts = "1 host" if self.count == 1 else f"{self.count} hosts"
            return f"{hosts} of play {self.step} did nothing further: {self._names}"
        if self.kind is WarningKind.UNCHECKED:
            return f"host keys aren't checked: {self.step}"
        if self.kind is WarningKind.STILL_OWED:
            owe = "owes" if self.count == 1 else "owe"
            return f"{self._names} still {owe}: {self.task} (not in the playbook)"
        what = "failed" if self.result == "failed" else "could not be reached"
        return f"{self._names} {what} in {self._place}{self._consequence}"

    @property
    def _names(self) -> str:
        named = self.hosts if self.count <= _NAMED else self.hosts[:_NAMED]
        names = ", ".join(named)
        return (
            names if self.count <= _NAMED else f"{names} and {self.count - _NAMED} more"
        )

    @property
    def _place(self) -> str:
        task = label(self.task)
        return self.step if task in {"", self.step} else f"{self.step} ({task})"

    @property
    def _consequence(self) -> str:
        if self.kind is WarningKind.IGNORED:
            return ", which the playbook ignores"
        return (
            f" and {'was' if self.count == 1 else 'were'} {self.kind} by the playbook"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the stored form of the warning."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "RunWarning":
        """Return the warning from its stored form."""
        return cls(**{**stored, "kind": WarningKind(stored["kind"]),
                      "hosts": tuple(stored["hosts"])})  # fmt: skip


def collect(setbacks: Iterable[Setback], lost: frozenset[str]) -> list[RunWarning]:
    """Return the warnings of a successful run, in the order in which they happened.

    Args:
        setbacks: The failures and unreachable hosts, in the order of the events.
        lost: The hosts that failed or were unreachable according to Ansible's recap.
    """
    found = list(setbacks)
    last = {one.host: one.number for one in found if not one.ignored}
    groups: dict[tuple[WarningKind, str, str, Result], dict[str, None]] = {}
    for one in found:
        cleared = one.host in lost and last.get(one.host) == one.number
        kind = WarningKind.CLEARED if cleared else WarningKind.RESCUED
        failed = one.result is TaskResult.FAILED
        if one.ignored:
            kind, failed = WarningKind.IGNORED, False
        result: Result = "failed" if failed else "unreachable"
        group = groups.setdefault((kind, one.step, one.task, result), {})
        group[one.host] = None
    return [
        _warning(kind, step, task, result, list(hosts))
        for (kind, step, task, result), hosts in groups.items()
    ][:MAX_WARNINGS]


def dropped(play: str, hosts: Iterable[str], lost: frozenset[str]) -> list[RunWarning]:
    """Return the warning about a play's hosts that were dropped as others failed."""
    found = [host for host in hosts if host not in lost]
    return [_warning(WarningKind.DROPPED, play, "", "", found)] if found else []


def unchecked(settings: Iterable[str]) -> list[RunWarning]:
    """Return the warnings about settings that turn the check of host keys off."""
    return [_warning(WarningKind.UNCHECKED, each, "", "", []) for each in settings]


def still_owed(hosts: Mapping[str, list[str]]) -> list[RunWarning]:
    """Return the warnings about owed handlers that the playbook didn't have."""
    return [
        _warning(WarningKind.STILL_OWED, "", handler, "", names)
        for handler, names in hosts.items()
    ][:MAX_WARNINGS]


def _warning(
    kind: WarningKind, step: str, task: str, result: Result, hosts: list[str]
) -> RunWarning:
    return RunWarning(kind, step, task, result, tuple(hosts[:MAX_HOSTS]), len(hosts))
