"""Assemble the worker."""

import threading

from app.bootstrap import make_secret_box, make_store
from app.queue import make_procrastinate_app
from app.settings import Settings
from app.worker.deployment_runner import DeploymentRunner
from app.worker.worker import Worker


def make_worker(settings: Settings) -> Worker:
    """Make the worker; its `run` performs jobs until the process gets a signal."""
    store = make_store(settings, settings.concurrency + 2)
    stop = threading.Event()
    runner = DeploymentRunner(store, settings, make_secret_box(settings), stop)
    return Worker(store, make_procrastinate_app(settings), settings, runner, stop)
