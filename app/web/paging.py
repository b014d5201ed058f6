"""Send a sorted list in pages, each with a link to the next one."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import InvalidFields
from app.web import query

#: The number of elements on a page if the request has no `limit`, which is also the
#: maximum.
LIMIT = 500
_T = TypeVar("_T")


def by_name(
    request: Request,
    found: Iterable[_T],
    name: Callable[[_T], str],
    body: Callable[[_T], BaseModel],
) -> Response:
    """Return the page of a list that begins after the name in `after`.

    Raises InvalidFields for a `limit` that isn't a number from 1 to LIMIT.
    """
    ordered = sorted(found, key=name)
    first = 0
    if after := request.query_params.get("after"):
        first = bisect_right(ordered, after, key=name)
    return _page(request, ordered[first:], name, body)


def by_id(
    request: Request,
    found: Iterable[_T],
    number: Callable[[_T], int],
    body: Callable[[_T], BaseModel],
) -> Response:
    """Return the page of a list that begins after the id in `after`.

    Raises InvalidFields for an `after` that isn't a number, and as `by_name`.
    """
    after = query.number(request.query_params, "after", most=query.BIGINT) or 0
    rest = [each for each in sorted(found, key=number) if number(each) > after]
    return _page(request, rest, number, body)


def next_link(request: Request, **changed: object) -> dict[str, str]:
    """Return the header Link with the request's URL and other query parameters."""
    asked = {name: value for name, value in request.query_params.items() if value}
    following = f"{request.url.path}?{urlencode(asked | changed)}"
    return {"Link": f'<{following}>; rel="next"'}


def _page(
    request: Request,
    rest: list[_T],
    key: Callable[[_T], str | int],
    body: Callable[[_T], BaseModel],
) -> Response:
    page = rest[: _limit(request)]
    headers = {}
    if len(page) < len(rest):
        headers = next_link(request, after=key(page[-1]))
    bodies = [body(each).model_dump(mode="json") for each in page]
    return JSONResponse(bodies, headers=headers)


def _limit(request: Request) -> int:
    limit = query.number(request.query_params, "limit", most=LIMIT)
    if limit == 0:
        raise InvalidFields({"limit": f"must be a whole number from 1 to {LIMIT}"})
    return LIMIT if limit is None else limit
