"""The pings to the healthcheck URLs of schedules in PostgreSQL.

Those of a schedule are sent in their order. A row is taken for TAKEN seconds: if the
worker that took it is killed, it is sent again.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.domain.deployment import Status
from app.domain.healthcheck import Kind

#: Seconds after which another worker sends a ping that was taken.
TAKEN = 120


@dataclass(frozen=True, slots=True)
class Ping:
    """A ping that was taken, with the encrypted URL of its schedule."""

    deployment_id: int
    kind: Kind
    schedule_id: int
    #: The number of attempts, including this one.
    attempts: int
    healthcheck: bytes | None


def add_start(db: Connection, schedule_id: int, deployment_id: int) -> None:
    """Store that a schedule has launched a deployment, if it has a healthcheck URL."""
    db.execute(
        text(
            "INSERT INTO pings (deployment_id, kind, schedule_id) "
            "SELECT :deployment, :kind, id FROM schedules "
            "WHERE id = :schedule AND healthcheck IS NOT NULL"
        ),
        {"deployment": deployment_id, "kind": Kind.START, "schedule": schedule_id},
    )


def add_end(db: Connection, deployment_id: int, status: Status) -> None:
    """Store that a deployment has ended, if its start was stored."""
    kind = Kind.SUCCESS if status is Status.SUCCESSFUL else Kind.FAIL
    db.execute(
        text(
            "INSERT INTO pings (deployment_id, kind, schedule_id) "
            "SELECT deployment_id, :kind, schedule_id FROM pings "
            "WHERE deployment_id = :deployment AND kind = :start"
        ),
        {"deployment": deployment_id, "kind": kind, "start": Kind.START},
    )


def take_due(db: Connection, limit: int) -> list[Ping]:
    """Take pings that are due, so that no other worker sends them, the oldest first."""
    rows = db.execute(
        text(
            "UPDATE pings SET attempts = pings.attempts + 1,"
            " due_at = now() + make_interval(secs => :taken) "
            "FROM schedules WHERE schedules.id = pings.schedule_id"
            " AND (pings.deployment_id, pings.kind) IN ("
            "SELECT deployment_id, kind FROM pings AS due "
            "WHERE sent_at IS NULL AND due_at <= now() AND NOT EXISTS ("
            "SELECT 1 FROM pings AS earlier "
            "WHERE earlier.schedule_id = due.schedule_id"
            " AND earlier.number < due.number AND earlier.sent_at IS NULL) "
            "ORDER BY number LIMIT :limit FOR UPDATE SKIP LOCKED) "
            "RETURNING pings.*, schedules.healthcheck"
        ),
        {"taken": TAKEN, "limit": limit},
    )
    return [
        Ping(
            row.deployment_id,
            Kind(row.kind),
            row.schedule_id,
            row.attempts,
            row.healthcheck,
        )
        for row in rows.all()
    ]


def settle(db: Connection, ping: Ping, problem: str = "") -> None:
    """Store that a ping was sent, or given up for a problem."""
    if ping.kind is Kind.START:
        # Its row is kept: the end of the deployment is only pinged if it exists.
        query = (
            "UPDATE pings SET sent_at = now() "
            "WHERE deployment_id = :deployment AND kind = :kind"
        )
    else:
        query = "DELETE FROM pings WHERE deployment_id = :deployment"
    db.execute(text(query), {"deployment": ping.deployment_id, "kind": ping.kind})
    _set_problem(db, ping, problem)


def put_off(db: Connection, ping: Ping, problem: str, seconds: float) -> None:
    """Store why a ping failed, and that it is sent again after some seconds."""
    db.execute(
        text(
            "UPDATE pings SET due_at = now() + make_interval(secs => :seconds) "
            "WHERE deployment_id = :deployment AND kind = :kind"
        ),
        {"seconds": seconds, "deployment": ping.deployment_id, "kind": ping.kind},
    )
    _set_problem(db, ping, problem)


def has_ended(db: Connection, deployment_id: int) -> bool:
    """Return whether the end of a deployment is waiting to be sent."""
    query = text("SELECT count(*) FROM pings WHERE deployment_id = :deployment")
    found: int = db.execute(query, {"deployment": deployment_id}).scalar_one()
    return found > 1


def _set_problem(db: Connection, ping: Ping, problem: str) -> None:
    db.execute(
        text(
            "UPDATE schedules SET ping_problem = :problem "
            "WHERE id = :schedule AND ping_problem <> :problem"
        ),
        {"problem": problem, "schedule": ping.schedule_id},
    )
