"""The dependencies of the handlers, which get them by `deps(request)`."""

from dataclasses import dataclass

import anyio
from starlette.requests import Request

from app.domain.access import Actor
from app.encryption import SecretBox
from app.queue import Queue
from app.settings import Settings
from app.store.event_stream import Feed, Look
from app.store.store import Store
from app.web.event_stream import Piece
from app.web.render import Renderer
from app.web.single_flight import SingleFlight


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts of the web process."""

    settings: Settings
    store: Store
    queue: Queue
    secret_box: SecretBox
    feed: Feed
    renderer: Renderer
    #: Look at a deployment for a page, and for a script.
    look_html: Look[Piece]
    look_json: Look[Piece]
    #: What a login holds while its password is checked.
    login_places: anyio.Semaphore
    #: What a search holds while PostgreSQL reads for it.
    search_places: anyio.Semaphore
    #: Makes artifact folders and reports, once for all who wait for the same.
    single_flight: SingleFlight


def deps(request: Request) -> Dependencies:
    """The parts that this process was assembled from."""
    found: Dependencies = request.app.state.deps
    return found


def actor_of(request: Request) -> Actor:
    """Who asks; the route's guard has put it there."""
    actor: Actor = request.state.actor
    return actor
