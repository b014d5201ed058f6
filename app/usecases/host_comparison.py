"""Compare two hosts, or one host at two times: facts, versions of services, files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.domain import host_comparison
from app.domain.diff import DiffLine, diff_lines
from app.domain.host_comparison import Content, FileDifference
from app.domain.host_facts import NAMES, Facts
from app.store import host_states
from app.store.host_states import FilePair, VersionOnHost, VersionThen
from app.store.hosts import Host
from app.store.store import Store
from app.usecases import hosts

#: The number of files on a page, and of lines of a difference.
PAGE = 25
SHOWN_LINES = 200


@dataclass(frozen=True, slots=True)
class HostAt:
    """A host by its name, and by its project if several have it, before a time.

    Without a time, it is the host as it is now.
    """

    name: str
    project: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HostState:
    """What is known of a host before a time."""

    host: Host
    at: datetime | None
    facts: Facts
    versions: Mapping[str, VersionOnHost]


@dataclass(frozen=True, slots=True)
class ComparedFile:
    """A file that differs; `lines` are a diff without which the texts aren't known.

    `secrets_alone` says that the texts are equal once their secrets are masked.
    `more` lines are left out.
    """

    path: str
    difference: FileDifference
    lines: Sequence[DiffLine] = ()
    more: int = 0
    secrets_alone: bool = False


@dataclass(frozen=True, slots=True)
class HostComparison:
    """Two hosts with a page of the files that differ, sorted by path.

    `facts` are the names of the facts that differ, `services` those of the services
    that either has. `after` is the path after which the next page begins, if any.
    """

    a: HostState
    b: HostState
    facts: Sequence[str]
    services: Sequence[str]
    files: Sequence[ComparedFile]
    after: str | None


def look(store: Store, a: HostAt, b: HostAt, after: str = "") -> HostComparison:
    """Compare two hosts; the page has the files with paths above `after`.

    Raises:
        NotFound: There is no such host.
        Conflict: Several projects have a host with this name, and none was named.
    """
    found = [hosts.find(store, each.name, each.project).host for each in (a, b)]
    with store.begin() as db:
        first, second = _state(db, found[0], a.at), _state(db, found[1], b.at)
        pairs = host_states.differing_files(
            db,
            (found[0].id, a.at),
            (found[1].id, b.at),
            after=after,
            limit=PAGE + 1,
        )
        shown = pairs[:PAGE]
        texts = host_states.texts(db, _versions(shown))
    compared = (_compared(pair, texts) for pair in shown)
    return HostComparison(
        first,
        second,
        [n for n in NAMES if first.facts.get(n) != second.facts.get(n)],
        sorted({*first.versions, *second.versions}),
        [each for each in compared if each is not None],
        shown[-1].path if len(pairs) > PAGE else None,
    )


def _state(db: Connection, host: Host, at: datetime | None) -> HostState:
    facts = host_states.facts(db, host, at)
    return HostState(host, at, facts, host_states.versions(db, host, at))


def _versions(pairs: Sequence[FilePair]) -> list[VersionThen]:
    """Return the versions whose texts are compared."""
    sides = ((pair.a, pair.b) for pair in pairs)
    both = (each for each in sides if None not in each)
    return [version for pair in both for version in pair if version is not None]


def _compared(pair: FilePair, texts: Mapping[int, str]) -> ComparedFile | None:
    a, b = _content(pair.a, texts), _content(pair.b, texts)
    difference = host_comparison.compare(a, b)
    if difference is None:
        return None
    if a is None or b is None or a.text is None or b.text is None:
        return ComparedFile(pair.path, difference)
    diff: dict[str, Any] = {
        "before": a.text, "after": b.text, "before_header": "A", "after_header": "B",
    }  # fmt: skip
    lines = diff_lines(diff)
    more = max(len(lines) - SHOWN_LINES, 0)
    equal = a.text == b.text
    return ComparedFile(pair.path, difference, lines[:SHOWN_LINES], more, equal)


def _content(version: VersionThen | None, texts: Mapping[int, str]) -> Content | None:
    if version is None:
        return None
    return Content(version.kind, version.digest, texts.get(version.id))
