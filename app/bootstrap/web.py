"""Assemble the web process."""

import anyio
from starlette.applications import Starlette

from app import oidc_file, proxy_login_file
from app.bootstrap import make_secret_box
from app.errors import BadSetting
from app.oidc_client import OidcClient
from app.queue import make_queue
from app.settings import Settings
from app.store.engine import make_engine
from app.store.event_stream import Feed
from app.store.store import Store
from app.web.app import create_app
from app.web.assets import load_assets
from app.web.dependencies import Dependencies
from app.web.deployments import SEARCHES_AT_ONCE
from app.web.download import PIECES_AT_ONCE
from app.web.event_stream import html_pieces, json_pieces
from app.web.hooks import HOOKS_AT_ONCE
from app.web.login import LOGINS_AT_ONCE
from app.web.oidc import PROVIDER_REQUESTS_AT_ONCE
from app.web.open_streams import OpenStreams
from app.web.output_response import printed_pieces
from app.web.render import Renderer
from app.web.single_flight import SingleFlight

#: Database connections of the web process, which its threads share.
WEB_CONNECTIONS = 10
#: The timeout in seconds of a statement of the web process; a search has its own.
WEB_STATEMENT_SECONDS = 15


def make_web(settings: Settings) -> Starlette:
    """Make the web application."""
    store = Store(
        make_engine(
            settings,
            connections=WEB_CONNECTIONS,
            statement_seconds=WEB_STATEMENT_SECONDS,
        )
    )
    renderer = Renderer(load_assets())
    return create_app(
        Dependencies(
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
            hook_places=anyio.Semaphore(HOOKS_AT_ONCE),
            providers=_providers(settings),
            proxy_login=proxy_login_file.read(settings),
            provider_places=anyio.Semaphore(PROVIDER_REQUESTS_AT_ONCE),
            single_flight=SingleFlight(),
            open_streams=OpenStreams(settings.open_streams),
        )
    )


def _providers(settings: Settings) -> dict[str, OidcClient]:
    """Return the clients of the OpenID providers. Raises BadSetting."""
    providers = oidc_file.read(settings.oidc_file)
    if providers and not settings.base_url:
        raise BadSetting(
            "FASTDEPLOY_OIDC_FILE needs FASTDEPLOY_URL, where users return"
        )
    return {
        id_: OidcClient(provider, f"{settings.base_url}/login/provider/{id_}/callback")
        for id_, provider in providers.items()
    }
