"""Assemble the API for a command on FastDeploy's host, without a web process.

It has the handlers of the API alone: no pages, no providers, no built files.
"""

from collections.abc import Mapping
from typing import Any

import anyio
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette

from app.bootstrap import make_secret_box
from app.queue import make_queue
from app.settings import Settings
from app.store.event_stream import Feed
from app.store.store import Store
from app.web.api_routes import ROUTES
from app.web.assets import Assets
from app.web.dependencies import Dependencies
from app.web.errors import HANDLERS
from app.web.event_stream import html_pieces, json_pieces
from app.web.open_streams import OpenStreams
from app.web.output_response import printed_pieces
from app.web.render import Renderer
from app.web.single_flight import SingleFlight

#: Unexpected errors aren't answered, so that the command prints their traceback.
_HANDLERS: Mapping[Any, Any] = {
    kind: handler for kind, handler in HANDLERS.items() if kind is not OperationalError
}


def make_api(settings: Settings, store: Store) -> Starlette:
    """Make an application with the routes of the API; it opens nothing."""
    renderer = Renderer(Assets())
    app = Starlette(routes=ROUTES, exception_handlers=_HANDLERS)
    app.state.deps = Dependencies(
        settings=settings,
        store=store,
        queue=make_queue(settings),
        secret_box=make_secret_box(settings),
        feed=Feed(settings.database),
        renderer=renderer,
        look_html=html_pieces(store, renderer),
        look_json=json_pieces(store),
        look_printed=printed_pieces(store),
        login_places=anyio.Semaphore(1),
        search_places=anyio.Semaphore(1),
        download_places=anyio.Semaphore(1),
        hook_places=anyio.Semaphore(1),
        providers={},
        proxy_login=None,
        provider_places=anyio.Semaphore(1),
        single_flight=SingleFlight(),
        open_streams=OpenStreams(1),
    )
    return app
