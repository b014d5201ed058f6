"""Ansible's recap: the number of each result on each host."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

#: The counted results in the order of Ansible's own recap, with the event's key.
_COUNTED = {
    "ok": "ok",
    "changed": "changed",
    "unreachable": "dark",
    "failed": "failures",
    "skipped": "skipped",
    "rescued": "rescued",
    "ignored": "ignored",
}
COUNTED = tuple(_COUNTED)
#: Maximum depth of a value of `set_stats`: orjson parses more levels than pydantic and
#: orjson serialize.
MAX_DEPTH = 100
TOO_DEEP = "… [cut: nested too deep]"


@dataclass(frozen=True, slots=True)
class HostRecap:
    """A host with its counts, in the order of COUNTED."""

    host: str
    counts: tuple[int, ...]

    @property
    def bad(self) -> bool:
        """Whether the host failed or could not be reached."""
        return bool(self.counts[2] or self.counts[3])

    @property
    def failed(self) -> int:
        """The number of failures that weren't rescued."""
        return self.counts[COUNTED.index("failed")]

    @property
    def rescued(self) -> int:
        """The number of failures after which a `rescue` section succeeded."""
        return self.counts[COUNTED.index("rescued")]


@dataclass(frozen=True, slots=True)
class Changes:
    """The number of changed results, of hosts with one, and of rescued failures."""

    results: int
    hosts: int
    rescued: int = 0


def changes(recaps: Iterable[HostRecap]) -> Changes | None:
    """Count the changes of a run; None without a recap."""
    hosts = list(recaps)
    if not hosts:
        return None
    counts = [one.counts[COUNTED.index("changed")] for one in hosts]
    rescued = sum(one.rescued for one in hosts)
    return Changes(sum(counts), sum(map(bool, counts)), rescued)


def recap(stats: Iterable[str]) -> list[HostRecap]:
    """Sum up the recaps of one or several playbooks, failed hosts first.

    `stats` are `playbook_on_stats` events as JSON. They come from a run, so invalid
    counts are ignored.
    """
    counters: dict[str, Counter[str]] = {name: Counter() for name in COUNTED}
    hosts: set[str] = set()
    for data in stats:
        about = orjson.loads(data).get("event_data")
        for name, key in _COUNTED.items():
            counts = about.get(key) if isinstance(about, dict) else None
            for host, count in counts.items() if isinstance(counts, dict) else ():
                if type(count) is int and 0 <= count < 2**31:
                    counters[name][host] += count
                    hosts.add(host)
    found = [
        HostRecap(host, tuple(counters[name][host] for name in COUNTED))
        for host in hosts
    ]
    return sorted(found, key=lambda one: (not one.bad, one.host))


def totals(stats: Iterable[str]) -> dict[str, Any]:
    """Return the values that a run has set with `set_stats` for all hosts.

    `stats` are events as for `recap`. A later playbook's value replaces an earlier one.
    A value of more than MAX_DEPTH levels is replaced by TOO_DEEP.
    """
    found: dict[str, Any] = {}
    for data in stats:
        about = orjson.loads(data).get("event_data")
        artifacts = about.get("artifact_data") if isinstance(about, dict) else None
        found |= artifacts if isinstance(artifacts, dict) else {}
    return {
        name: value if _is_shallow(value) else TOO_DEEP for name, value in found.items()
    }


def _is_shallow(value: Any) -> bool:
    """Return whether a value has at most MAX_DEPTH levels of lists and objects."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return True
        level = [
            part
            for item in containers
            for part in (item.values() if isinstance(item, dict) else item)
        ]
    return False
