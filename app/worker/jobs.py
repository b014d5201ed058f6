"""Run the jobs of the queue, and recover from outages of PostgreSQL.

Procrastinate's worker ends when it loses its connections: it can't know whether a job
that it was fetching or finishing was fetched or finished. So it is restarted until
PostgreSQL is back, and each time retries the interrupted jobs, as after a crash.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import procrastinate
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from app.domain.node import begun_queue_of, queue_of
from app.errors import Unavailable
from app.log import get
from app.queue import AT_ONCE, BEGUN
from app.sd_notify import READY, notify
from app.settings import Settings
from app.store import node_deployments
from app.store.engine import OUTAGE, PATIENT
from app.store.store import Store

log = get("worker")

#: Seconds between searches for stalled jobs, whose worker is gone.
STALLED_EVERY = 10
#: Poll interval for jobs in seconds. PostgreSQL notifies of new jobs, but not when the
#: lock of a service becomes free for a waiting job.
LOOK_EVERY = 0.5
#: Seconds between attempts to reconnect to the queue.
RECONNECT = 1.0
#: Timeout of a connection in seconds; a stop without PostgreSQL takes this long.
PATIENCE = 5.0


class Jobs:
    """Runs this node's jobs; `stop` interrupts those that are running."""

    def __init__(
        self,
        store: Store,
        queue: procrastinate.App,
        settings: Settings,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._queue = queue
        self._settings = settings
        self._stop = stop
        self._queues = queue_of(settings.node), begun_queue_of(settings.node)

    async def perform(self, *, begun_only: bool) -> None:
        """Run jobs until canceled, also across outages of PostgreSQL.

        With `begun_only`, only deployments that this node has already started are
        resumed.
        """
        mine, begun = self._queues
        queues = [begun] if begun_only else [begun, mine]
        while True:
            try:
                await self._perform(queues)
            except (ConnectorException, Unavailable, *OUTAGE) as error:
                if not _is_outage(error):
                    raise
                log.warning("queue.lost", error=str(error.__cause__ or error).strip())
            await asyncio.sleep(RECONNECT)
            # Only `_work` sets it without canceling this task too.
            self._stop.clear()

    async def _perform(self, queues: list[str]) -> None:
        """Run jobs until PostgreSQL is lost or this is canceled; then interrupt them.

        Raises Unavailable and the queue's errors.
        """
        # Opening the queue would wait longer, and raise a less helpful error.
        await asyncio.to_thread(self._require_postgresql)
        lost = asyncio.Event()
        connector = _Connector(self._settings.database, lost)
        with self._queue.replace_connector(connector) as queue:
            try:
                await queue.open_async()
                await self._take_back()
                await self._work(queues, lost)
            finally:
                await queue.close_async()

    async def _work(self, queues: list[str], lost: asyncio.Event) -> None:
        working = asyncio.create_task(
            self._queue.run_worker_async(
                queues=queues,
                concurrency=self._settings.concurrency,
                install_signal_handlers=False,
                fetch_job_polling_interval=LOOK_EVERY,
                listen_notify=True,
                delete_jobs="successful",
            )
        )
        tasks = [
            working,
            asyncio.create_task(self._retry_stalled()),
            asyncio.create_task(lost.wait()),
        ]
        log.info("worker.ready", node=self._settings.node)
        notify(READY)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Procrastinate waits for its running jobs, so interrupt them first.
            self._stop.set()
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        raise Unavailable("the queue's connection to PostgreSQL was cut")

    async def _take_back(self) -> None:
        """Retry the jobs during which this folder's last worker was interrupted.

        That worker is gone, since this one holds the folder's lock, so its heartbeat
        needn't expire. No other worker takes jobs from this node's queues.
        """
        doing = Status.DOING.value
        for job in await self._queue.job_manager.list_jobs_async(status=doing):
            # This includes jobs of ended deployments, which still lock their service.
            if job.queue in self._queues:
                await self._retry(job)

    async def _retry_stalled(self) -> None:
        while True:
            await asyncio.sleep(STALLED_EVERY)
            for job in await self._queue.job_manager.get_stalled_jobs():
                log.warning("job.stalled", job=job.id, queue=job.queue)
                await self._retry(job)

    async def _retry(self, job: Job) -> None:
        """Queue a job again, on the node of its run if it has started."""
        assert job.id is not None
        with self._store.begin() as db:
            node = node_deployments.node_of_job(db, job.id)
        await self._queue.job_manager.retry_job_by_id_async(
            job.id,
            AT_ONCE,
            queue=None if node is None else begun_queue_of(node),
            priority=None if node is None else BEGUN,
        )

    def _require_postgresql(self) -> None:
        with self._store.begin():
            pass


class _Connector(procrastinate.PsycopgConnector):
    """A connector for Procrastinate that sets `lost` when PostgreSQL is lost.

    Procrastinate catches some of these errors itself. Then it is unknown whether the
    query was executed, so every error counts.
    """

    def __init__(self, conninfo: str, lost: asyncio.Event) -> None:
        super().__init__(conninfo=conninfo, kwargs=dict(PATIENT), timeout=PATIENCE)
        self._lost = lost

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        with self._watched():
            await super().execute_query_async(query, **arguments)

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> Any:
        with self._watched():
            return await super().execute_query_one_async(query, **arguments)

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> Any:
        with self._watched():
            return await super().execute_query_all_async(query, **arguments)

    async def listen_notify(self, on_notification: Any, channels: Any) -> None:
        with self._watched():
            await super().listen_notify(on_notification, channels)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except ConnectorException as error:
            if _is_outage(error):
                self._lost.set()
            raise


def _is_outage(error: Exception) -> bool:
    """Return whether an error means an outage or a full disk, rather than a bug."""
    cause = error.__cause__ if isinstance(error, ConnectorException) else error
    return isinstance(cause, (Unavailable, *OUTAGE))
