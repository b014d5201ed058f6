"""Assemble the processes: this module alone knows all their parts."""

import threading

import anyio
from starlette.applications import Starlette

from app.encryption import SecretBox, key_for
from app.queue import Queue, make_procrastinate_app
from app.settings import Settings
from app.store.engine import make_engine
from app.store.event_stream import Feed
from app.store.store import Store
from app.web.app import create_app
from app.web.assets import load_assets
from app.web.dependencies import Dependencies
from app.web.deployments import SEARCHES_AT_ONCE
from app.web.event_stream import html_pieces, json_pieces
from app.web.login import LOGINS_AT_ONCE
from app.web.render import Renderer
from app.web.single_flight import SingleFlight
from app.worker.deployment_runner import DeploymentRunner
from app.worker.worker import Worker

#: Database connections of the web process, which its threads share.
WEB_CONNECTIONS = 10
#: The timeout in seconds of a statement of the web process; a search has its own.
WEB_STATEMENT_SECONDS = 15


def make_store(settings: Settings, connections: int = 2) -> Store:
    """Make the store for a number of threads that is equal to its connections."""
    return Store(make_engine(settings, connections=connections))


def make_secret_box(settings: Settings) -> SecretBox:
    """Make the encryption of secret variables; all processes share its key."""
    return SecretBox(key_for(settings.secret_key.get_secret_value(), settings.var))


def make_queue(settings: Settings) -> Queue:
    """Make the queue for launching and canceling deployments."""
    return Queue(make_procrastinate_app(settings))


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
            login_places=anyio.Semaphore(LOGINS_AT_ONCE),
            search_places=anyio.Semaphore(SEARCHES_AT_ONCE),
            single_flight=SingleFlight(),
        )
    )


def make_worker(settings: Settings) -> Worker:
    """Make the worker; its `run` performs jobs until the process gets a signal."""
    store = make_store(settings, settings.concurrency + 2)
    stop = threading.Event()
    runner = DeploymentRunner(store, settings, make_secret_box(settings), stop)
    return Worker(store, make_procrastinate_app(settings), settings, runner, stop)
