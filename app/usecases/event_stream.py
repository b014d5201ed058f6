"""Read the news about a deployment: its current state and the events after a number."""

from dataclasses import dataclass

from app.store import events
from app.store.events import Event
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View

#: Maximum number of events in one piece of news.
WINDOW = 500


@dataclass(frozen=True, slots=True)
class News:
    """The events with numbers above `after` up to `last`, and the current deployment.

    `more` says that there are further events, `complete` that the deployment has ended
    and that no event follows.
    """

    view: View
    events: list[Event]
    after: int
    last: int
    more: bool
    complete: bool


def look(
    store: Store, deployment_id: int, after: int | None, up_to: int | None = None
) -> News:
    """Read a deployment and its events after `after`, up to `up_to` or the present.

    If `after` is None, read only the state. Raises NotFound.
    """
    with store.begin() as db:
        # Read the deployment first: the events up to its last number then exist.
        view = deploy.view_in(db, deployment_id)
        end = view.deployment.last_event
        if after is None:
            return News(view, [], end, end, more=False, complete=view.deployment.ended)
        wanted = end if up_to is None else min(up_to, end)
        found = events.read(db, deployment_id, after=after, up_to=wanted, limit=WINDOW)
    # If none is found, retention has removed the events.
    last = found[-1].number if found else max(after, wanted)
    complete = view.deployment.ended and last >= end
    return News(view, found, after, last, more=last < wanted, complete=complete)
