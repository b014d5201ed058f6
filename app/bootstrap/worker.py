"""Assemble the worker."""

import threading

from app.bootstrap import make_secret_box, make_store
from app.queue import make_procrastinate_app, make_queue
from app.settings import Settings
from app.usecases.due_schedules import THREADS
from app.usecases.git_access import GitAccess
from app.worker.deployment_runner import DeploymentRunner
from app.worker.pings import AT_ONCE, Pings
from app.worker.schedules import Schedules
from app.worker.worker import Worker


def make_worker(settings: Settings) -> Worker:
    """Make the worker; its `run` performs jobs until the process gets a signal."""
    store = make_store(settings, settings.concurrency + 2 + THREADS + AT_ONCE)
    stop = threading.Event()
    secret_box = make_secret_box(settings)
    reach = GitAccess(store, lambda: secret_box).of
    runner = DeploymentRunner(store, settings, secret_box, stop, reach)
    schedules = Schedules(store, make_queue(settings), secret_box, settings)
    queue = make_procrastinate_app(settings)
    pings = Pings(store, secret_box, settings)
    return Worker(
        store, queue, settings, runner, schedules, pings, stop, reach, secret_box
    )
