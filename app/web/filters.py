"""Parse the filters of a history from query parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from app.domain import time_text
from app.domain.deployment import Origin, Status
from app.errors import Invalid, InvalidFields
from app.store.history import Filter


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """The filters of a history, as typed and as parsed.

    `typed` has the parameters that aren't empty, `problems` the error of each invalid
    one, which is ignored. `untidy` is true if some parameters are empty.
    """

    wanted: Filter
    typed: dict[str, str]
    problems: dict[str, str]
    untidy: bool

    def link(self, path: str, **more: object) -> str:
        """Return the URL of the same history, with additional parameters."""
        return f"{path}?{urlencode(self.typed | more)}" if self.typed | more else path

    def time(self, name: str) -> str:
        """Format a time filter for a `datetime-local` input, to the minute in UTC."""
        return time_input(getattr(self.wanted, name))


def read(query: QueryParams) -> HistoryFilter:
    """Parse the filters of a query; empty parameters are ignored."""
    typed = {name: query[name] for name in _MEANING if query.get(name)}
    meant: dict[str, Any] = {}
    problems = {}
    for name, text in typed.items():
        try:
            meant[name] = _MEANING[name](text)
        except Invalid as error:
            problems[name] = str(error)
    untidy = any(query.get(name) == "" for name in _MEANING)
    return HistoryFilter(Filter(**meant), typed, problems, untidy)


def require_valid(query: QueryParams) -> HistoryFilter:
    """Parse the filters of a query. Raises InvalidFields if one is invalid."""
    asked = read(query)
    if asked.problems:
        # Ignoring it would list more than was requested.
        raise InvalidFields(asked.problems)
    return asked


def _status(text: str) -> Status:
    try:
        return Status(text)
    except ValueError:
        raise Invalid(f"must be one of {', '.join(Status)}") from None


def _origin(text: str) -> Origin:
    try:
        return Origin(text)
    except ValueError:
        raise Invalid(f"must be one of {', '.join(Origin)}") from None


def time_input(at: datetime | None) -> str:
    """Format a time for a `datetime-local` input; empty without one."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}" if at else ""


def parse_time(text: str) -> datetime:
    """Parse a time, see app/domain/time_text.py. Raises Invalid."""
    return time_text.parse_time(text, datetime.now(UTC))


def parse_true(text: str) -> bool:
    """Parse a filter that can only be switched on. Raises Invalid."""
    if text != "true":
        raise Invalid("must be true; leave it out to list all")
    return True


_MEANING: dict[str, Callable[[str], object]] = {
    "service": str,
    "status": _status,
    "actor": str,
    "origin": _origin,
    "since": parse_time,
    "until": parse_time,
    "text": str,
    "outside": parse_true,
}
