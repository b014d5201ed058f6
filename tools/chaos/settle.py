"""Wait until everything has ended; count the rest as stuck."""

import time
from typing import Any

import psycopg

from app.settings import Settings
from tools.chaos.compare import Findings
from tools.chaos.stream import Stream

#: Seconds to wait after the last kill.
PATIENCE = 180.0

_LEFT = {
    "deployments that have not ended":
        "SELECT array_agg(id) FROM deployments WHERE finished_at IS NULL",
    "jobs that are left":
        "SELECT array_agg(id) FROM procrastinate_jobs",
}  # fmt: skip


def settle(settings: Settings, stream: Stream, findings: Findings) -> None:
    """Wait for every deployment, job and client; count those that are stuck."""
    deadline = time.monotonic() + PATIENCE
    while (left := _left(settings, stream)) and time.monotonic() < deadline:
        time.sleep(0.2)
    for what, numbers in left.items():
        findings.stuck += len(numbers)
        findings.tell(f"{what}: {numbers}")


def _left(settings: Settings, stream: Stream) -> dict[str, list[Any]]:
    """Return the ids of everything that has not ended."""
    try:
        with psycopg.connect(settings.database) as db:
            found = {what: _numbers(db, query) for what, query in _LEFT.items()}
    except psycopg.OperationalError as error:
        found = {"the database": [str(error)]}
    found["deployments whose clients wait"] = sorted(stream.followed)
    return {what: numbers for what, numbers in found.items() if numbers}


def _numbers(db: psycopg.Connection[Any], query: Any) -> list[Any]:
    row = db.execute(query).fetchone()
    return row[0] if row and row[0] else []
