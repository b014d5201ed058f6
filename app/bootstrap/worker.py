"""Assemble the worker."""

import threading

from app.bootstrap import make_secret_box, make_store
from app.queue import make_procrastinate_app, make_queue
from app.settings import Settings
from app.usecases import due_schedules, webhook_launches
from app.usecases.git_access import GitAccess
from app.usecases.webhook_launches import Launcher
from app.worker import notifier
from app.worker.approvals import Approvals
from app.worker.calendars import Calendars
from app.worker.deployment_runner import DeploymentRunner
from app.worker.notifier import Notifier
from app.worker.pings import AT_ONCE, Pings
from app.worker.schedules import Schedules
from app.worker.traces import Traces
from app.worker.webhooks import Webhooks
from app.worker.worker import Worker


def make_worker(settings: Settings) -> Worker:
    """Make the worker; its `run` performs jobs until the process gets a signal."""
    # Two more are for the commit statuses and the calendars.
    # Schedules are launched by two loops.
    threads = 2 * due_schedules.THREADS + webhook_launches.THREADS + notifier.THREADS
    # The last two are for the traces and the approvals.
    connections = settings.concurrency + 2 + threads + AT_ONCE + 4
    store = make_store(settings, connections)
    stop = threading.Event()
    secret_box = make_secret_box(settings)
    reach = GitAccess(store, lambda: secret_box, settings.repository_mebibytes).of
    runner = DeploymentRunner(store, settings, secret_box, stop, reach)
    launches = make_queue(settings)
    schedules = Schedules(store, launches, secret_box, settings, reach)
    webhooks = Webhooks(Launcher(store, launches, secret_box, settings, reach))
    queue = make_procrastinate_app(settings)
    return Worker(
        store,
        queue,
        settings,
        runner,
        schedules,
        webhooks,
        Pings(store, secret_box, settings),
        Notifier(store, secret_box, settings),
        Calendars(store, settings),
        Traces(store, settings),
        Approvals(store, launches),
        stop,
        reach,
        secret_box,
    )
