"""Parse the filters of the overview from query parameters, and link to others."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from app.domain.dashboard import Condition, Filter, Group, Sort
from app.errors import InvalidFields
from app.web import query

#: The parameters of the overview.
PARAMETERS = ("text", "status", "project", "label", "environment", "favourites", "sort",
              "group", "page")  # fmt: skip
#: The number of characters of a filter that are read.
_LONGEST = 200

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class OverviewFilter:
    """The filters of the overview, as typed and as parsed.

    `typed` has the parameters that aren't empty. `untidy` is true if some are.
    """

    wanted: Filter
    page: int
    typed: Mapping[str, str]
    untidy: bool

    @property
    def filtered(self) -> bool:
        """Whether it may list fewer than all services."""
        return bool(self.typed.keys() - {"sort", "group", "page"})

    @property
    def query(self) -> str:
        """The parameters as a query string."""
        return urlencode(dict(self.typed))

    def link(self, path: str, **changed: object) -> str:
        """Return the URL with some parameters changed; an empty one is removed.

        Another filter begins on the first page.
        """
        kept = {k: v for k, v in self.typed.items() if k != "page" or not changed}
        found = {k: v for k, v in (kept | changed).items() if v}
        return f"{path}?{urlencode(found)}" if found else path


def read(given: QueryParams) -> OverviewFilter:
    """Parse the filters of a query. Raises InvalidFields for an unknown value."""
    typed = {name: given[name][:_LONGEST] for name in PARAMETERS if given.get(name)}
    wanted = Filter(
        text=typed.get("text", ""),
        status=_one_of(Condition, typed, "status"),
        project=typed.get("project", ""),
        label=typed.get("label", ""),
        environment=typed.get("environment", ""),
        favourites="favourites" in typed,
        sort=_one_of(Sort, typed, "sort") or Sort.NAME,
        group=_one_of(Group, typed, "group"),
    )
    page = query.number(given, "page") or 1
    untidy = any(given.get(name) == "" for name in PARAMETERS)
    return OverviewFilter(wanted, page, typed, untidy)


def _one_of(values: type[E], typed: Mapping[str, str], name: str) -> E | None:
    if name not in typed:
        return None
    try:
        return values(typed[name])
    except ValueError:
        raise InvalidFields({name: f"must be one of {', '.join(values)}"}) from None
