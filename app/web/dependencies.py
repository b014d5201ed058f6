"""The dependencies of the handlers; `deps(request)` returns them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from starlette.requests import Request

from app.domain.access import Actor
from app.domain.proxy_login import ProxyLogin
from app.encryption import SecretBox
from app.queue import Queue
from app.settings import Settings
from app.store.event_stream import Feed, Look
from app.store.store import Store
from app.usecases.git_access import GitAccess
from app.usecases.output_stream import PrintedNews
from app.usecases.schedule_sources import ScheduleSources
from app.web.assets import DOCS
from app.web.event_stream import Piece
from app.web.loop_lag import LoopLag
from app.web.open_streams import OpenStreams
from app.web.render import Renderer
from app.web.single_flight import SingleFlight

if TYPE_CHECKING:
    # It loads httpx and joserfc.
    from app.oidc_client import OidcClient


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts of the web process."""

    settings: Settings
    store: Store
    queue: Queue
    secret_box: SecretBox
    feed: Feed
    renderer: Renderer
    #: Return the news of a deployment, for a page and for a script.
    look_html: Look[Piece]
    look_json: Look[Piece]
    #: Returns the news of a deployment as it printed them.
    look_printed: Look[PrintedNews]
    #: Limits the number of passwords that are checked at once.
    login_places: anyio.Semaphore
    #: Limits the number of searches at once.
    search_places: anyio.Semaphore
    #: Limits the number of downloads for which a piece is made at once.
    download_places: anyio.Semaphore
    #: Limits the number of streams that are opened at once.
    stream_places: anyio.Semaphore
    #: Limits the number of webhook requests that are checked and stored at once.
    hook_places: anyio.Semaphore
    #: The clients of the OpenID providers, by their ids.
    providers: "Mapping[str, OidcClient]"
    #: The headers of a proxy that users log in at, if there is one.
    proxy_login: ProxyLogin | None
    #: Limits the number of requests to OpenID providers at once.
    provider_places: anyio.Semaphore
    #: Makes artifact folders and reports once for concurrent requests.
    single_flight: SingleFlight
    #: Limits the streams and downloads of an actor.
    open_streams: OpenStreams
    #: Measures how late the event loop is.
    loop_lag: LoopLag = field(default_factory=LoopLag)
    #: The folder with the built documentation, which may not exist.
    docs: Path = DOCS

    @property
    def schedule_sources(self) -> ScheduleSources:
        """The repositories and calendars that schedules name."""
        return ScheduleSources(self.settings, self.git.of)

    @property
    def git(self) -> GitAccess:
        """With what the repositories of projects are fetched."""
        return GitAccess(
            self.store, lambda: self.secret_box, self.settings.repository_mebibytes
        )


def deps(request: Request) -> Dependencies:
    """Return the dependencies of a request.

    When the guard has authenticated its actor, the store is limited to the services
    that the actor may see.
    """
    limited: Dependencies | None = getattr(request.state, "deps", None)
    found: Dependencies = limited or request.app.state.deps
    return found


def limit_deps(request: Request, actor: Actor) -> None:
    """Limit the store of a request to the services that an actor may see."""
    if actor.access.visible:
        found = deps(request)
        store = found.store.limited_to(actor.access.visible)
        request.state.deps = replace(found, store=store)


def actor_of(request: Request) -> Actor:
    """Return the actor of a request, which the route's guard has authenticated."""
    actor: Actor = request.state.actor
    return actor
