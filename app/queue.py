"""The queue: Procrastinate, which keeps its jobs in the same PostgreSQL.

A job is deferred in the transaction that writes its deployment, so neither is ever
there without the other. The lock of a job is its service: the queue performs one
deployment of a service at a time, in the order in which they were asked for.
"""

from datetime import UTC, datetime

import procrastinate
from sqlalchemy import Connection, text

from app.domain.node import queue_of
from app.settings import Settings

#: The task that carries out one deployment.
DEPLOY = "deploy"
#: Priorities that people give; the usual one is 0, higher ones come first.
PRIORITIES = range(-100, 101)
#: The priority of a deployment that was begun: its run goes on, so no other of the
#: same service may come before it.
BEGUN = 1000
#: When a job is done again that has to wait for nothing: a time that is past by every
#: clock. PostgreSQL compares it with its own, and a worker's may be ahead of that.
AT_ONCE = datetime.fromtimestamp(0, UTC)


def make_procrastinate_app(settings: Settings) -> procrastinate.App:
    """Return the queue on FastDeploy's database; nothing is opened yet."""
    connector = procrastinate.PsycopgConnector(conninfo=settings.database)
    return procrastinate.App(connector=connector)


class Queue:
    """What web and command line know of the queue: how to put a deployment there."""

    def __init__(self, app: procrastinate.App) -> None:
        self._app = app

    def defer_deployment(
        self,
        db: Connection,
        deployment_id: int,
        service_id: int,
        *,
        node: str,
        priority: int,
    ) -> int:
        """Queue a deployment for a node, in the caller's transaction.

        Returns the job's number.
        """
        return self._app.configure_task(
            DEPLOY,
            queue=queue_of(node),
            lock=f"service-{service_id}",
            priority=priority,
            connection=db.connection.driver_connection,
        ).defer(deployment_id=deployment_id)

    def cancel_job(self, db: Connection, job_id: int) -> None:
        """Take a job out of the queue, in the caller's transaction.

        One that a worker has just taken stays; its deployment has ended then, and the
        worker leaves it alone.
        """
        self._app.job_manager.cancel_job_by_id(
            job_id, delete_job=True, connection=db.connection.driver_connection
        )

    def drop_job(self, db: Connection, job_id: int) -> None:
        """Remove a job whoever had taken it, in the caller's transaction."""
        db.execute(text("SELECT procrastinate_finish_job_v1(:job, 'aborted', true)"),
                   {"job": job_id})  # fmt: skip
