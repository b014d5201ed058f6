"""Parse the filters of hosts and of a host's timeline; make the links to hosts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import QueryParams

from app.domain.host import STATUSES
from app.errors import Invalid, InvalidFields
from app.store.host_search import HostFilter
from app.store.host_timeline import TimelineFilter
from app.web.filters import parse_time, parse_true, time_input

#: The query parameters of the list of hosts, and of a host.
HOSTS = ("project", "service", "environment", "group", "status", "text", "outside",
         "page")  # fmt: skip
HOST = ("project", "service", "since", "until", "text", "outside", "before")
FILES = ("project", "text", "page")
COMPARISON = ("a", "a_project", "a_at", "b", "b_project", "b_at", "after")


@dataclass(frozen=True, slots=True)
class AskedHosts:
    """The filters of a list of hosts; `problems` has the error of each invalid one."""

    wanted: HostFilter
    typed: dict[str, str]
    problems: dict[str, str]

    def link(self, path: str, page: int) -> str:
        """Return the URL of another page of the same list."""
        return f"{path}?{urlencode({**self.typed, 'page': page})}"


@dataclass(frozen=True, slots=True)
class AskedTimeline:
    """The filters of a timeline; `problems` has the error of each invalid one."""

    wanted: TimelineFilter
    typed: dict[str, str]
    problems: dict[str, str]

    def link(self, path: str, **more: object) -> str:
        """Return the URL of the same timeline, with additional parameters."""
        asked = self.typed | more
        return f"{path}?{urlencode(asked)}" if asked else path

    def time(self, name: str) -> str:
        """Format a time filter for a `datetime-local` input, to the minute in UTC."""
        return time_input(getattr(self.wanted, name))


def read_hosts(query: QueryParams) -> AskedHosts:
    """Parse the filters of a list of hosts; an invalid one is ignored."""
    typed = {name: query[name] for name in HOSTS if name != "page" and query.get(name)}
    problems = {}
    if typed.get("status", STATUSES[0]) not in STATUSES:
        problems["status"] = f"must be one of {', '.join(STATUSES)}"
    meant: dict[str, Any] = dict(typed)
    if "outside" in typed:
        try:
            meant["outside"] = parse_true(typed["outside"])
        except Invalid as error:
            problems["outside"] = str(error)
    valid = {name: value for name, value in meant.items() if name not in problems}
    return AskedHosts(HostFilter(**valid), typed, problems)


def read_timeline(query: QueryParams) -> AskedTimeline:
    """Parse the filters of a timeline; an invalid one is ignored."""
    names = ("service", "since", "until", "text", "outside")
    typed = {name: query[name] for name in names if query.get(name)}
    meant: dict[str, Any] = {}
    problems = {}
    for name, text in typed.items():
        try:
            meant[name] = _timeline_value(name, text)
        except Invalid as error:
            problems[name] = str(error)
    return AskedTimeline(TimelineFilter(**meant), typed, problems)


def _timeline_value(name: str, text: str) -> Any:
    if name == "outside":
        return parse_true(text)
    return parse_time(text) if name in ("since", "until") else text


def require_valid(asked: AskedHosts | AskedTimeline) -> None:
    """Raise InvalidFields if a filter is invalid: ignoring it would list more."""
    if asked.problems:
        raise InvalidFields(asked.problems)


def host_url(name: str, project: str) -> str:
    """Return the URL of a host's page; a name may have any character."""
    return f"/hosts/{quote(name, safe='')}?{urlencode({'project': project})}"


def files_url(name: str, project: str) -> str:
    """Return the URL of the list of a host's files."""
    return f"/hosts/{quote(name, safe='')}/files?{urlencode({'project': project})}"


def compare_url(name: str, project: str, at: datetime | None = None) -> str:
    """Return the URL of the page that compares a host, before a time, with another."""
    asked = {"a": name, "a_project": project}
    if at is not None:
        asked["a_at"] = at.isoformat()
    return f"/compare-hosts?{urlencode(asked)}"


def file_url(name: str, project: str, path: str) -> str:
    """Return the URL of a file's page, from its absolute path."""
    host, file = quote(name, safe=""), quote(path[1:])
    return f"/hosts/{host}/files/{file}?{urlencode({'project': project})}"
