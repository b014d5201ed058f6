"""Search lines in the output of a deployment."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.store import results, search
from app.store.events import Event
from app.store.search import SearchQuery
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View

#: Maximum number of lines on a page of matches.
PAGE = 200
#: Maximum number of events that are searched for one page.
SPAN = 200_000
#: Events per statement, its timeout in seconds, and the seconds after which no further
#: statement is started: a search without matches reads every event.
STEP = 10_000
STATEMENT_SECONDS = 5
SECONDS = 1.0
#: Maximum number of host names to offer as a filter.
MAX_HOSTS = 200


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Matching lines among the events `first` to `last`.

    `further` is the event after which the search continues, None at the end.
    """

    view: View
    events: Sequence[Event]
    hosts: Sequence[str]
    first: int
    last: int
    further: int | None


def look(
    store: Store,
    deployment_id: int,
    wanted: SearchQuery,
    after: int,
    *,
    seconds: float = SECONDS,
) -> SearchResult:
    """Return the first PAGE matching lines after event `after`.

    It searches at most SPAN events in pieces of STEP, and starts no further piece after
    `seconds`. Raises NotFound, and Busy.
    """
    with store.begin() as db:
        view = deploy.view_in(db, deployment_id)
        last = view.deployment.last_event
        results.by_index(db)
        hosts = results.hosts_after(db, deployment_id, after="", limit=MAX_HOSTS)
    found: list[Event] = []
    up_to = min(after + SPAN, last)
    if wanted.anything:
        found, up_to = _find(store, deployment_id, wanted, (after, up_to), seconds)
    return SearchResult(
        view=view,
        events=found,
        hosts=hosts,
        first=min(after + 1, up_to),
        last=up_to,
        further=up_to if wanted.anything and up_to < last else None,
    )


def _find(
    store: Store,
    deployment_id: int,
    wanted: SearchQuery,
    between: tuple[int, int],
    seconds: float,
) -> tuple[list[Event], int]:
    """Return the matching lines between two events, and the last searched event."""
    found: list[Event] = []
    place, end = between
    stop_at = time.monotonic() + seconds
    while place < end:
        up_to = min(place + STEP, end)
        with store.begin(STATEMENT_SECONDS) as db:
            found += search.find(
                db,
                deployment_id,
                wanted,
                after=place,
                up_to=up_to,
                limit=PAGE - len(found),
            )
        place = up_to
        if len(found) == PAGE:
            return found, found[-1].number
        if time.monotonic() >= stop_at:
            break
    return found, place
