"""Looking for lines in what a deployment printed."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.store import results, search
from app.store.events import Event
from app.store.search import Wanted
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View

#: Lines on one page of what was found.
PAGE = 200
#: Events that are searched for one page, however few of them are wanted.
SPAN = 200_000
#: Hosts whose names are offered.
MAX_HOSTS = 200


@dataclass(frozen=True, slots=True)
class Found:
    """Lines that were found among the events `first` to `last`.

    `further` says behind which event the search goes on, None at the end.
    """

    view: View
    events: Sequence[Event]
    hosts: Sequence[str]
    first: int
    last: int
    further: int | None


def look(store: Store, deployment_id: int, wanted: Wanted, after: int) -> Found:
    """The first PAGE wanted lines behind event `after`; raises NotFound."""
    with store.begin() as db:
        view = deploy.view_in(db, deployment_id)
        last = view.deployment.last_event
        up_to = min(after + SPAN, last)
        found: list[Event] = []
        if wanted.anything:
            found = search.find(
                db, deployment_id, wanted, after=after, up_to=up_to, limit=PAGE
            )
        results.by_index(db)
        hosts = results.hosts_after(db, deployment_id, after="", limit=MAX_HOSTS)
    if len(found) == PAGE:
        up_to = found[-1].number
    return Found(
        view=view,
        events=found,
        hosts=hosts,
        first=min(after + 1, up_to),
        last=up_to,
        further=up_to if wanted.anything and up_to < last else None,
    )
