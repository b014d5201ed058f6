"""The queue: Procrastinate, which stores its jobs in the same PostgreSQL.

A job is deferred in the transaction that writes its deployment, so neither exists
without the other. The lock of a job is its service: the queue performs one deployment
of a service at a time, ordered by priority and by the time of the request.
"""

from datetime import UTC, datetime

import procrastinate
from sqlalchemy import Connection, text

from app.domain.node import queue_of
from app.settings import Settings

#: The task that runs one deployment.
DEPLOY = "deploy"
#: Priorities that users can set; the default is 0, higher ones run first.
PRIORITIES = range(-100, 101)
#: The priority of a started deployment: its run continues, so no other deployment of
#: the service may overtake it.
BEGUN = 1000
#: The time for a job that is retried at once. It is in the past by any clock:
#: PostgreSQL compares it with its own clock, and a worker's clock may be ahead.
AT_ONCE = datetime.fromtimestamp(0, UTC)


def make_procrastinate_app(settings: Settings) -> procrastinate.App:
    """Return Procrastinate's app for FastDeploy's database; it isn't opened yet."""
    connector = procrastinate.PsycopgConnector(conninfo=settings.database)
    return procrastinate.App(connector=connector)


class Queue:
    """Queues deployments and removes them, for web and command line."""

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

        Return the job's id.
        """
        return self._app.configure_task(
            DEPLOY,
            queue=queue_of(node),
            lock=f"service-{service_id}",
            priority=priority,
            connection=db.connection.driver_connection,
        ).defer(deployment_id=deployment_id)

    def cancel_job(self, db: Connection, job_id: int) -> None:
        """Remove a job from the queue, in the caller's transaction.

        A job that a worker has just taken stays; the worker skips it, since its
        deployment has ended.
        """
        self._app.job_manager.cancel_job_by_id(
            job_id, delete_job=True, connection=db.connection.driver_connection
        )

    def drop_job(self, db: Connection, job_id: int) -> None:
        """Remove a job, even if a worker has taken it, in the caller's transaction."""
        db.execute(text("SELECT procrastinate_finish_job_v1(:job, 'aborted', true)"),
                   {"job": job_id})  # fmt: skip


def make_queue(settings: Settings) -> Queue:
    """Return the queue for launching and canceling deployments."""
    return Queue(make_procrastinate_app(settings))
