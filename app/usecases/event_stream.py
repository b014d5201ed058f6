"""What is new about a deployment: its state now, and the events behind a number."""

from dataclasses import dataclass

from app.store import events
from app.store.events import Event
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View

#: Events in one piece of news.
WINDOW = 500


@dataclass(frozen=True, slots=True)
class News:
    """The events numbered above `after` up to `last`, and the deployment as it is.

    `complete` says that the deployment has ended and that nothing comes behind this.
    """

    view: View
    events: list[Event]
    after: int
    last: int
    complete: bool


def look(
    store: Store, deployment_id: int, after: int | None, up_to: int | None = None
) -> News:
    """Look at a deployment, at its events up to a number or to the present.

    With `after` None, at its state alone. Raises NotFound.
    """
    with store.begin() as db:
        # The deployment first: its last number then never is ahead of the events.
        view = deploy.view_in(db, deployment_id)
        end = view.deployment.last_event
        if after is None:
            return News(view, [], end, end, view.deployment.ended)
        wanted = end if up_to is None else min(up_to, end)
        found = events.read(db, deployment_id, after=after, up_to=wanted, limit=WINDOW)
    last = found[-1].number if found else after
    return News(view, found, after, last, view.deployment.ended and last >= end)
