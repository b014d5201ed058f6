"""Read what to search for in the output of a deployment."""

from starlette.requests import Request

from app.store.search import SearchQuery
from app.web.query import SMALLINT, number

#: The maximum number of characters of a text, host or result to search for.
MAX_WANTED = 500


def read(request: Request) -> tuple[SearchQuery, int]:
    """Return the filters, and the event after which to search. Raises InvalidFields."""
    typed = request.query_params
    wanted = SearchQuery(
        text=typed.get("text", "")[:MAX_WANTED],
        host=typed.get("host", "")[:MAX_WANTED],
        result=typed.get("result", "")[:MAX_WANTED],
        step=number(typed, "step", most=SMALLINT),
    )
    return wanted, number(typed, "after") or 0
