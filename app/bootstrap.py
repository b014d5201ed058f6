"""Assembly: the only file that knows every part and puts them together."""

import threading

import anyio
from starlette.applications import Starlette

from app.encryption import Sealer, key_for
from app.queue import Queue, make_queue
from app.settings import Settings
from app.store.engine import make_engine
from app.store.event_stream import Feed
from app.store.store import Store
from app.web.app import create_app
from app.web.assets import load_assets
from app.web.dependencies import Parts
from app.web.deployments import SEARCHES_AT_ONCE
from app.web.event_stream import html_pieces, json_pieces
from app.web.login import LOGINS_AT_ONCE
from app.web.render import Renderer
from app.web.single_flight import SingleFlight
from app.worker.deployment_runner import Carrier
from app.worker.worker import Worker

#: Database connections of the web process; its threads take turns.
WEB_CONNECTIONS = 10
#: Seconds that one statement of the web process may take. A search has its own limit.
WEB_STATEMENT_SECONDS = 15


def make_store(settings: Settings, connections: int = 2) -> Store:
    """The store, for as many threads as there are connections."""
    return Store(make_engine(settings, connections=connections))


def make_sealer(settings: Settings) -> Sealer:
    """What seals secret launch variables; web, worker and command line share a key."""
    return Sealer(key_for(settings.secret_key.get_secret_value(), settings.var))


def make_launcher(settings: Settings) -> Queue:
    """The queue as those see it who put deployments there."""
    return Queue(make_queue(settings))


def make_web(settings: Settings) -> Starlette:
    """The web application."""
    store = Store(
        make_engine(
            settings,
            connections=WEB_CONNECTIONS,
            statement_seconds=WEB_STATEMENT_SECONDS,
        )
    )
    renderer = Renderer(load_assets())
    return create_app(
        Parts(
            settings=settings,
            store=store,
            queue=make_launcher(settings),
            sealer=make_sealer(settings),
            feed=Feed(settings.database),
            renderer=renderer,
            look_html=html_pieces(store, renderer),
            look_json=json_pieces(store),
            login_places=anyio.Semaphore(LOGINS_AT_ONCE),
            search_places=anyio.Semaphore(SEARCHES_AT_ONCE),
            single_flight=SingleFlight(),
        )
    )


def make_worker(settings: Settings) -> Worker:
    """The worker; `run` performs jobs until the process is told to stop."""
    store = make_store(settings, settings.concurrency + 2)
    stop = threading.Event()
    carrier = Carrier(store, settings, make_sealer(settings), stop)
    return Worker(store, make_queue(settings), settings, carrier, stop)
