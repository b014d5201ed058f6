"""What a retry of a deployment runs: on which hosts, and which owed handlers first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from app.domain.recap import HostRecap
from app.runner.retry_limits import is_host

#: Maximum number of hosts, and of handlers, that a sentence names.
_NAMED = 10
#: A list that the callback plugin has cut ends with a text that begins so.
_CUT = "…"


class RetryScope(StrEnum):
    """Which hosts a retry is for; the values are stored in the database."""

    #: All hosts of the deployment.
    ALL = "all"
    #: The hosts that failed or were unreachable.
    FAILED = "failed"
    #: The hosts that the deployment didn't finish; their owed handlers run first.
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class RunHosts:
    """The hosts of a run. If they can't be determined, `unknown` says why."""

    #: The hosts that failed or were unreachable.
    failed: frozenset[str] = frozenset()
    #: The hosts that the run didn't get to, or whose play ended early.
    unreached: frozenset[str] = frozenset()
    #: All hosts of the run.
    named: frozenset[str] = frozenset()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a retry would run.

    `hosts` are sorted; they are None for a run without a limit, and `unknown` says why
    if that was not wanted. `owed` has the names of the handlers to run first, by host.
    """

    scope: RetryScope
    hosts: tuple[str, ...] | None = None
    owed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unknown: str = ""

    def __str__(self) -> str:
        """Return what it would do, as a sentence or two."""
        where = "all hosts" if self.hosts is None else enumerate_some(self.hosts)
        whole = f" It can't be limited to some hosts: {self.unknown}." * bool(
            self.unknown
        )
        if self.scope is not RetryScope.CONTINUE:
            return f"Runs on {where}. Owed handlers run only if a task notifies them."
        if not self.owed:
            return f"Runs on {where}. No handler is owed.{whole}"
        handlers = [
            f"{name} on {host}" for host, names in self.owed.items() for name in names
        ]
        first = enumerate_some(handlers)
        return f"First runs {first}. Then runs the playbook on {where}.{whole}"


def of_recap(recaps: Sequence[HostRecap], stats: Iterable[str]) -> RunHosts:
    """Return the hosts of a run that ended with a recap; `stats` are its events."""
    lists = [_names(_about(data).get("unfinished", [])) for data in stats]
    if any(names is None for names in lists):
        return RunHosts(unknown="the run has too many hosts")
    unreached = frozenset(name for names in lists for name in names or ())
    failed = frozenset(each.host for each in recaps if each.bad)
    named = frozenset(each.host for each in recaps)
    return RunHosts(failed, unreached - failed, named | unreached)


def of_stopped_play(play: str, failed: Iterable[str]) -> RunHosts:
    """Return the hosts of a run without a recap.

    Args:
        play: The event at the start of its last play, as JSON.
        failed: The hosts with a result that was a failure, or that were unreachable.
    """
    about, known = _about(play), frozenset(failed)
    hosts, waiting = _names(about.get("hosts")), _names(about.get("waiting", []))
    if hosts is None or waiting is None:
        return RunHosts(unknown="the run has too many hosts")
    unreached = frozenset([*hosts, *waiting])
    return RunHosts(known, unreached - known, unreached | known)


def limit(hosts: Iterable[str]) -> tuple[str, ...] | None:
    """Return hosts, sorted, as a limit; None if Ansible can't be limited to them."""
    found = tuple(sorted(set(hosts)))
    return found if found and all(map(is_host, found)) else None


def enumerate_some(names: Sequence[str]) -> str:
    """Return names as a part of a sentence; only the first ten of many."""
    more = len(names) - _NAMED
    listed = ", ".join(names[:_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed


def missing_handlers(stats: Iterable[str]) -> dict[str, list[str]]:
    """Return the hosts by owed handler that the playbook didn't have for them."""
    found: dict[str, list[str]] = {}
    for data in stats:
        pairs = _about(data).get("missing_handlers")
        for pair in pairs if isinstance(pairs, list) else ():
            match pair:
                case [str(host), str(name)]:
                    found.setdefault(name, []).append(host)
    return found


def _about(data: str) -> dict[str, Any]:
    about = orjson.loads(data).get("event_data")
    return about if isinstance(about, dict) else {}


def _names(listed: object) -> list[str] | None:
    """Return the names in a list; None if it isn't complete."""
    if not isinstance(listed, list):
        return None
    if not all(isinstance(n, str) and not n.startswith(_CUT) for n in listed):
        return None
    return listed
