"""Make the dependencies of the handlers, for a web process and for a command."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import anyio

from app.bootstrap import make_secret_box
from app.domain.proxy_login import ProxyLogin
from app.queue import make_queue
from app.settings import Settings
from app.store.event_stream import Feed
from app.store.store import Store
from app.web.assets import Assets
from app.web.dependencies import Dependencies
from app.web.deployments import SEARCHES_AT_ONCE
from app.web.download import PIECES_AT_ONCE
from app.web.event_stream import html_pieces, json_pieces
from app.web.guard import OPENED_AT_ONCE
from app.web.hooks import HOOKS_AT_ONCE
from app.web.login import LOGINS_AT_ONCE
from app.web.open_streams import OpenStreams
from app.web.output_response import printed_pieces
from app.web.render import Renderer
from app.web.single_flight import SingleFlight

if TYPE_CHECKING:
    # It loads httpx and joserfc.
    from app.oidc_client import OidcClient

#: Logins at providers that are in progress at once, each of which waits for a provider.
PROVIDER_REQUESTS_AT_ONCE = 4


def make_dependencies(
    settings: Settings,
    store: Store,
    assets: Assets,
    *,
    providers: "Mapping[str, OidcClient] | None" = None,
    proxy_login: ProxyLogin | None = None,
) -> Dependencies:
    """Make the dependencies; nothing is opened before a handler needs it."""
    renderer = Renderer(assets)
    return Dependencies(
        settings=settings,
        store=store,
        queue=make_queue(settings),
        secret_box=make_secret_box(settings),
        feed=Feed(settings.database),
        renderer=renderer,
        look_html=html_pieces(store, renderer),
        look_json=json_pieces(store),
        look_printed=printed_pieces(store),
        login_places=anyio.Semaphore(LOGINS_AT_ONCE),
        search_places=anyio.Semaphore(SEARCHES_AT_ONCE),
        download_places=anyio.Semaphore(PIECES_AT_ONCE),
        stream_places=anyio.Semaphore(OPENED_AT_ONCE),
        hook_places=anyio.Semaphore(HOOKS_AT_ONCE),
        providers=providers or {},
        proxy_login=proxy_login,
        provider_places=anyio.Semaphore(PROVIDER_REQUESTS_AT_ONCE),
        single_flight=SingleFlight(),
        open_streams=OpenStreams(store, settings.open_streams),
    )
