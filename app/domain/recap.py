"""Ansible's recap: how often each result came on each host."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

#: What is counted, in the order of Ansible's own recap, with the event's word for it.
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
#: Levels of a value of `set_stats` that are shown: orjson reads more levels than
#: pydantic and orjson write.
MAX_DEPTH = 100
TOO_DEEP = "… [cut: nested too deep]"


@dataclass(frozen=True, slots=True)
class HostRecap:
    """A host with its counts, in the order of COUNTED."""

    host: str
    counts: tuple[int, ...]

    @property
    def bad(self) -> bool:
        """Whether it failed, or could not be reached."""
        return bool(self.counts[2] or self.counts[3])


@dataclass(frozen=True, slots=True)
class Changes:
    """How many results were a change, and on how many hosts."""

    results: int
    hosts: int


def changes(recaps: Iterable[HostRecap]) -> Changes | None:
    """What a run changed, by its recap; None where it told none."""
    counts = [one.counts[COUNTED.index("changed")] for one in recaps]
    return Changes(sum(counts), sum(map(bool, counts))) if counts else None


def recap(stats: Iterable[str]) -> list[HostRecap]:
    """The recaps of one or several playbooks, those that failed first.

    `stats` are events `playbook_on_stats` as JSON. They come from a run: whatever is no
    count is left out.
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
    """What the playbooks of a run have set with `set_stats`, those of all hosts.

    `stats` are events as for `recap`. A later playbook's value replaces an earlier one.
    A value of more than MAX_DEPTH levels is TOO_DEEP.
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
    """Whether a value has at most MAX_DEPTH levels of lists and objects."""
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
