"""The page that compares two hosts, or one host at two times; its API."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import Conflict, Invalid, InvalidFields, NotFound
from app.usecases import host_comparison
from app.usecases.host_comparison import HostAt
from app.web import host_fact_texts
from app.web.dependencies import deps
from app.web.filters import parse_time
from app.web.host_comparison_bodies import comparison_body
from app.web.host_filters import COMPARISON, file_url, host_url


@dataclass(frozen=True, slots=True)
class AskedComparison:
    """What is to be compared, as typed and as parsed.

    `typed` has the parameters that aren't empty, `problems` the error of each invalid
    one. Without the name of a second host, it is the first one at two times.
    """

    a: HostAt
    b: HostAt
    typed: Mapping[str, str]
    problems: Mapping[str, str]

    @property
    def complete(self) -> bool:
        """Whether there are two sides to compare."""
        return not self.problems and self.a != self.b

    def link(self, **changed: str) -> str:
        """Return the URL of the page with some parameters changed."""
        return f"/compare-hosts?{urlencode({**self.typed, **changed})}"

    def swapped(self) -> str:
        """Return the URL of the page with the two sides exchanged."""
        sides = {
            "a": self.b.name, "a_project": self.b.project, "a_at": _exact(self.b.at),
            "b": self.a.name, "b_project": self.a.project, "b_at": _exact(self.a.at),
        }  # fmt: skip
        return f"/compare-hosts?{urlencode({k: v for k, v in sides.items() if v})}"


def _read(query: QueryParams) -> AskedComparison:
    typed = {name: query[name] for name in COMPARISON if query.get(name)}
    times: dict[str, datetime] = {}
    problems = {} if "a" in typed else {"a": "must name a host"}
    for name in ("a_at", "b_at"):
        try:
            if name in typed:
                times[name] = parse_time(typed[name])
                # The links to further pages mean the same time.
                typed[name] = times[name].isoformat()
        except Invalid as error:
            problems[name] = str(error)
    a = HostAt(typed.get("a", ""), typed.get("a_project", ""), times.get("a_at"))
    b = HostAt(typed.get("b", a.name), typed.get("b_project", ""), times.get("b_at"))
    if b.name == a.name and not b.project:
        b = HostAt(a.name, a.project, b.at)
    return AskedComparison(a, b, typed, problems)


def show(request: Request) -> Response:
    """Compare two hosts, or show the form that asks for them."""
    asked = _read(request.query_params)
    compared, problem = None, ""
    if asked.complete:
        after = asked.typed.get("after", "")
        try:
            compared = host_comparison.look(
                deps(request).store, asked.a, asked.b, after
            )
        except (NotFound, Conflict) as error:
            problem = str(error)
    return deps(request).renderer.page(
        request,
        "hosts/compare.html",
        asked=asked,
        problems=asked.problems if asked.typed else {},
        compared=compared,
        problem=problem,
        time_of=_input,
        fact_rows=host_fact_texts.compared_rows,
        file_url=file_url,
        host_url=host_url,
    )


def show_comparison(request: Request) -> Response:
    """GET /api/v1/compare-hosts?a=…&b=…&a_at=…&b_at=…&after=…."""
    asked = _read(request.query_params)
    if asked.problems:
        raise InvalidFields(dict(asked.problems))
    after = asked.typed.get("after", "")
    found = host_comparison.look(deps(request).store, asked.a, asked.b, after)
    return JSONResponse(comparison_body(found).model_dump(mode="json"))


def _exact(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _input(at: datetime | None) -> str:
    """Format a time for a `datetime-local` input, to the second in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" if at else ""
