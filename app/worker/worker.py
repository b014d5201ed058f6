"""The worker process: runs the queue's jobs until it receives a signal to stop."""

import asyncio
import fcntl
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import procrastinate
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.utils import utcnow

from app.domain.node import begun_queue_of, queue_of
from app.encryption import SecretBox
from app.errors import Conflict, Unavailable
from app.log import get
from app.project_folder import Reach
from app.queue import AT_ONCE, BEGUN, DEPLOY
from app.sd_notify import STOPPING, notify
from app.settings import Settings
from app.store import deployments
from app.store.store import Store
from app.supervise import keep_task
from app.usecases.retention import prune
from app.worker.approvals import Approvals
from app.worker.audit_syslog import AuditSyslog
from app.worker.calendars import Calendars
from app.worker.deployment_runner import DeploymentRunner
from app.worker.heartbeat import BEAT_EVERY, Presence
from app.worker.jobs import Jobs
from app.worker.journal_follower import Interrupted
from app.worker.notifier import Notifier
from app.worker.pings import Pings
from app.worker.schedules import Schedules
from app.worker.syntax_checks import SyntaxChecks
from app.worker.traces import Traces
from app.worker.webhooks import Webhooks

log = get("worker")

#: Seconds between removals of old output.
PRUNE_EVERY = 3600
#: Seconds between checks whether all started deployments have ended.
LOOK_EVERY = 0.5
#: Threads for asyncio's own blocking calls, in addition to those of the deployments.
SPARE_THREADS = 8


class Worker:
    """A process that runs several deployments concurrently, each in a thread."""

    def __init__(
        self,
        store: Store,
        queue: procrastinate.App,
        settings: Settings,
        runner: DeploymentRunner,
        schedules: Schedules,
        webhooks: Webhooks,
        pings: Pings,
        notifier: Notifier,
        calendars: Calendars,
        traces: Traces,
        approvals: Approvals,
        stop: threading.Event,
        reach: Reach,
        secret_box: SecretBox,
    ) -> None:
        """`reach` returns with what the repositories of projects are fetched."""
        self._store = store
        self._schedules = schedules
        self._pings = pings
        self._secret_box = secret_box
        self._webhooks = webhooks
        self._notifier = notifier
        self._calendars = calendars
        self._traces = traces
        self._approvals = approvals
        self._queue = queue
        self._settings = settings
        self._stop = stop
        self._reach = reach

        @queue.task(
            name=DEPLOY, queue=queue_of(settings.node), retry=_Resume(settings.node)
        )
        def deploy(deployment_id: int) -> None:
            runner.run(deployment_id)
            traces.add(deployment_id)

    def run(self, *, drain: bool = False) -> None:
        """Run jobs until SIGTERM or SIGINT; the next worker resumes active runs.

        With `drain`, start no new deployments, and return when those that this node has
        started have ended. Raises Conflict if another worker uses the same folder or
        node name, and Unavailable if the database is unavailable at the start; later
        outages are waited for.
        """
        with _only_one(self._settings.var):
            presence = Presence(
                self._store,
                self._settings,
                self._reach,
                self._secret_box,
                draining=drain,
            )
            presence.begin()
            asyncio.run(self._run(presence, drain=drain))
            with suppress(Unavailable):
                presence.end()

    async def _run(self, presence: Presence, *, drain: bool) -> None:
        loop = asyncio.get_running_loop()
        # The default number of threads depends on the CPUs, not on the concurrency.
        threads = self._settings.concurrency + SPARE_THREADS
        loop.set_default_executor(ThreadPoolExecutor(threads))
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        jobs = Jobs(self._store, self._queue, self._settings, self._stop)
        performing = asyncio.create_task(jobs.perform(begun_only=drain))
        pruning = asyncio.create_task(keep_task("retention", self._prune))
        waiting = asyncio.create_task(stopping.wait())
        beating = asyncio.create_task(self._beat(presence))
        pinging = asyncio.create_task(keep_task("pings", self._pings.run))
        tracing = asyncio.create_task(keep_task("traces", self._traces.run))
        tasks = {performing, pruning, waiting, beating, pinging, tracing}
        if drain:
            tasks.add(asyncio.create_task(self._drained()))
        else:
            for name, run in (
                ("schedules", self._schedules.run),
                ("webhooks", self._webhooks.launch),
                ("commit statuses", self._webhooks.send_statuses),
                ("notifications", self._notifier.run),
                ("calendars", self._calendars.run),
                ("approvals", self._approvals.run),
            ):
                tasks.add(asyncio.create_task(keep_task(name, run)))
        if self._settings.audit_syslog:
            forwarding = AuditSyslog(self._store, self._settings.audit_syslog)
            tasks.add(asyncio.create_task(keep_task("audit log", forwarding.run)))
        if self._settings.checks_playbooks and not drain:
            checks = SyntaxChecks(self._store, self._settings)
            tasks.add(asyncio.create_task(keep_task("syntax checks", checks.run)))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        notify(STOPPING)
        self._stop.set()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        log.info("worker.stopped", node=self._settings.node)

    async def _beat(self, presence: Presence) -> None:
        """Store a heartbeat every BEAT_EVERY seconds."""
        while True:
            await asyncio.sleep(BEAT_EVERY)
            try:
                await asyncio.to_thread(presence.beat)
            except Unavailable as error:
                log.warning("heartbeat.missed", error=str(error))

    async def _drained(self) -> None:
        """Wait until all started deployments of this node have ended."""
        while self._begun():  # noqa: ASYNC110 - only the rows show it
            await asyncio.sleep(LOOK_EVERY)

    def _begun(self) -> bool:
        """Return whether a started deployment is active or the store is unavailable."""
        try:
            with self._store.begin() as db:
                return bool(deployments.active_on(db, self._settings.node))
        except Unavailable:
            return True

    async def _prune(self) -> None:
        """Prune at the start and then every PRUNE_EVERY seconds."""
        while True:
            try:
                done = await asyncio.to_thread(
                    prune, self._store, self._settings, self._stop.is_set
                )
                if done.deployments or done.noted:
                    log.info("retention.pruned", deployments=done.deployments,
                             bytes=done.size, audit=done.noted)  # fmt: skip
            except Unavailable as error:
                log.warning("retention.interrupted", error=str(error))
            await asyncio.sleep(PRUNE_EVERY)


class _Resume(BaseRetryStrategy):
    """Retries interrupted jobs, whose runs continue meanwhile.

    The retry is immediate if the worker stopped, and delayed after an unexpected error,
    which is logged. It is on this node, where the run is.
    """

    def __init__(self, node: str) -> None:
        self._queue = begun_queue_of(node)

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> RetryDecision | None:
        at = AT_ONCE
        if not isinstance(exception, Interrupted):
            log.error("job.failed", job=job.id, exc_info=exception)
            at = utcnow() + timedelta(seconds=min(5 * (job.attempts + 1), 60))
        return RetryDecision(retry_at=at, queue=self._queue, priority=BEGUN)


@contextmanager
def _only_one(var: Path) -> Iterator[None]:
    """Hold the worker's lock of this folder; raise Conflict if it is taken."""
    path = var / "worker.lock"
    var.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"another worker uses {var.absolute()}; "
                "set FASTDEPLOY_VAR to a folder of its own"
            ) from None
        yield
