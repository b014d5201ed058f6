"""Measurements of the present state in PostgreSQL, for the metrics."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.domain.node import AWAY_AFTER, NodeState, judge_state


@dataclass(frozen=True, slots=True)
class ActiveDeployments:
    """The deployments that have not ended."""

    #: Their number by status.
    counts: dict[str, int]
    #: Seconds that the oldest queued one has waited; 0 if none is queued.
    oldest_queued: float


@dataclass(frozen=True, slots=True)
class MeasuredNode:
    """A node, with the seconds since its heartbeat and the lag of its followers."""

    name: str
    state: NodeState
    heartbeat_age: float
    concurrency: int
    running: int
    lag_bytes: int
    lag_seconds: float


@dataclass(frozen=True, slots=True)
class MeasuredSchedules:
    """Schedules whose instant has come, and those with a problem at the last one."""

    due: int
    #: Seconds since the earliest instant that has come; 0 if there is none.
    lateness: float
    with_problem: int
    #: Those whose last ping failed.
    with_failed_ping: int


@dataclass(frozen=True, slots=True)
class WaitingPings:
    """The pings that have not been sent."""

    count: int
    #: Seconds that the oldest one has waited; 0 if there is none.
    oldest: float


@dataclass(frozen=True, slots=True)
class MeasuredMessages:
    """Notifications and deliveries of webhooks that wait or have failed."""

    waiting_notifications: int
    #: Seconds that the oldest of them has waited; 0 if there is none.
    oldest_notification: float
    failed_notifications: int
    waiting_deliveries: int
    failed_deliveries: int


def active_deployments(db: Connection) -> ActiveDeployments:
    """Measure the deployments that have not ended."""
    rows = db.execute(
        text(
            "SELECT status, count(*) AS number,"
            " extract(epoch FROM now() - min(coalesce(decided_at, created_at)))::float8"
            "  AS oldest "
            "FROM deployments LEFT JOIN approvals ON deployment_id = deployments.id "
            "WHERE finished_at IS NULL GROUP BY status"
        )
    ).all()
    waited = [row.oldest for row in rows if row.status == "queued"]
    return ActiveDeployments(
        {row.status: row.number for row in rows}, max([0.0, *waited])
    )


def nodes(db: Connection) -> list[MeasuredNode]:
    """Measure the nodes, sorted by name."""
    rows = db.execute(
        text(
            "SELECT nodes.*,"
            " extract(epoch FROM now() - heartbeat_at)::float8 AS age,"
            " (SELECT count(*) FROM deployments"
            "  WHERE node = nodes.name AND finished_at IS NULL) AS running "
            "FROM nodes ORDER BY name"
        )
    )
    return [
        MeasuredNode(
            name=row.name,
            state=judge_state(
                silent=row.age > AWAY_AFTER,
                stopped_at=row.stopped_at,
                draining=row.draining,
            ),
            heartbeat_age=max(row.age, 0.0),
            concurrency=row.concurrency,
            running=row.running,
            lag_bytes=row.lag_bytes,
            lag_seconds=row.lag_seconds,
        )
        for row in rows
    ]


def schedules(db: Connection) -> MeasuredSchedules:
    """Measure the schedules."""
    row = db.execute(
        text(
            "SELECT count(*) FILTER (WHERE next_at <= now()) AS due,"
            " extract(epoch FROM greatest(now() - min(next_at), interval '0'))"
            "  ::float8 AS lateness,"
            " count(*) FILTER (WHERE problem <> '') AS with_problem,"
            " count(*) FILTER (WHERE ping_problem <> '') AS with_failed "
            "FROM schedules"
        )
    ).one()
    return MeasuredSchedules(
        row.due, row.lateness or 0.0, row.with_problem, row.with_failed
    )


def waiting_pings(db: Connection) -> WaitingPings:
    """Measure the pings that have not been sent."""
    row = db.execute(
        text(
            "SELECT count(*) AS number,"
            " extract(epoch FROM now() - min(created_at))::float8 AS oldest "
            "FROM pings WHERE sent_at IS NULL"
        )
    ).one()
    return WaitingPings(row.number, max(row.oldest or 0.0, 0.0))


def messages(db: Connection) -> MeasuredMessages:
    """Measure what has come from webhooks, and what goes to channels."""
    row = db.execute(
        text(
            "SELECT count(*) FILTER (WHERE state IN ('pending', 'sending')) AS waiting,"
            " extract(epoch FROM now() - min(created_at)"
            "  FILTER (WHERE state IN ('pending', 'sending')))::float8 AS oldest,"
            " count(*) FILTER (WHERE state = 'failed') AS failed,"
            " (SELECT count(*) FROM webhook_deliveries WHERE state = 'queued')"
            "  AS queued_deliveries,"
            " (SELECT count(*) FROM webhook_deliveries WHERE state = 'failed')"
            "  AS failed_deliveries "
            "FROM notifications"
        )
    ).one()
    return MeasuredMessages(
        row.waiting,
        max(row.oldest or 0.0, 0.0),
        row.failed,
        row.queued_deliveries,
        row.failed_deliveries,
    )
