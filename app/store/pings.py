"""The pings to the healthcheck URLs of schedules in PostgreSQL.

Those of a schedule are sent in their order. A row is taken for TAKEN seconds: if the
worker that took it is killed, it is sent again. The number of attempts shows whose it
is: a worker that was slower doesn't change it.
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


def settle(db: Connection, ping: Ping, problem: str = "") -> bool:
    """Store that a ping was sent, or given up for a problem.

    Return False if another worker has taken it since: then it stores the result.
    """
    if not _update(db, ping, "sent_at = now()"):
        return False
    # The row of a start is kept: the end of the deployment is only pinged if it exists.
    if ping.kind is not Kind.START:
        query = "DELETE FROM pings WHERE deployment_id = :deployment"
        db.execute(text(query), {"deployment": ping.deployment_id})
    _set_problem(db, ping, problem)
    return True


def put_off(db: Connection, ping: Ping, problem: str, seconds: float) -> bool:
    """Store why a ping failed, and that it is sent again after some seconds.

    Return False if another worker has taken it since: then it stores the result.
    """
    later = "due_at = now() + make_interval(secs => :seconds)"
    if not _update(db, ping, later, seconds=seconds):
        return False
    _set_problem(db, ping, problem)
    return True


def _update(db: Connection, ping: Ping, change: str, **values: float) -> bool:
    """Change the row of a ping, unless it isn't the caller's any more."""
    query = text(
        f"UPDATE pings SET {change} WHERE deployment_id = :deployment "  # noqa: S608 - no input
        "AND kind = :kind AND attempts = :attempts AND sent_at IS NULL"
    )
    of_ping = {"deployment": ping.deployment_id, "kind": ping.kind,
               "attempts": ping.attempts}  # fmt: skip
    return db.execute(query, {**of_ping, **values}).rowcount == 1


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
