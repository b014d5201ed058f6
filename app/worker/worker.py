"""The worker process: performs the queue's jobs until it is told to stop."""

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
from app.errors import Conflict, Unavailable
from app.log import get
from app.queue import AT_ONCE, BEGUN, DEPLOY
from app.sd_notify import STOPPING, notify
from app.settings import Settings
from app.store import deployments
from app.store.store import Store
from app.supervise import keep_task
from app.usecases.retention import prune
from app.worker.deployment_runner import DeploymentRunner
from app.worker.heartbeat import BEAT_EVERY, Presence
from app.worker.jobs import Jobs
from app.worker.journal_follower import Interrupted

log = get("worker")

#: Seconds between two times that old output is removed.
PRUNE_EVERY = 3600
#: Seconds between two looks whether everything has ended that was begun.
LOOK_EVERY = 0.5
#: Threads beside those of the deployments, for what asyncio itself wants to wait for.
SPARE_THREADS = 4


class Worker:
    """One process, several deployments at a time, each followed in a thread."""

    def __init__(
        self,
        store: Store,
        queue: procrastinate.App,
        settings: Settings,
        runner: DeploymentRunner,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._queue = queue
        self._settings = settings
        self._stop = stop

        @queue.task(
            name=DEPLOY, queue=queue_of(settings.node), retry=_Resume(settings.node)
        )
        def deploy(deployment_id: int) -> None:
            runner.run(deployment_id)

    def run(self, *, drain: bool = False) -> None:
        """Work until SIGTERM or SIGINT; then leave every run to the next worker.

        With `drain`, begin nothing new, and return when all that this node has begun
        has ended. Raises Conflict if another worker uses the same folder or the same
        node's name, and Unavailable if there is no database to begin with; one that
        goes away later is waited for.
        """
        with _only_one(self._settings.var):
            presence = Presence(self._store, self._settings, draining=drain)
            presence.begin()
            asyncio.run(self._run(presence, drain=drain))
            with suppress(Unavailable):
                presence.end()

    async def _run(self, presence: Presence, *, drain: bool) -> None:
        loop = asyncio.get_running_loop()
        # The usual number of threads goes by the processors, not by what we promise.
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
        tasks = {performing, pruning, waiting, beating}
        if drain:
            tasks.add(asyncio.create_task(self._drained()))
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
        """Say now and then that this node is there."""
        while True:
            await asyncio.sleep(BEAT_EVERY)
            try:
                await asyncio.to_thread(presence.beat)
            except Unavailable as error:
                log.warning("heartbeat.missed", error=str(error))

    async def _drained(self) -> None:
        """Return when all that this node has begun has ended."""
        while self._begun():  # noqa: ASYNC110 - rows decide, and nobody tells
            await asyncio.sleep(LOOK_EVERY)

    def _begun(self) -> bool:
        """Whether anything that was begun here goes on; yes while nobody can tell."""
        try:
            with self._store.begin() as db:
                return bool(deployments.active_on(db, self._settings.node))
        except Unavailable:
            return True

    async def _prune(self) -> None:
        """Remove what is old, at the start and then now and then."""
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
    """A job that was interrupted is done again: the run itself goes on meanwhile.

    At once if the worker stopped; later if it was an error of ours, which is logged.
    And on this node alone, where the run is.
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
    """Hold the lock that says: a worker uses this folder."""
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
