"""Query the events from which the versions of files aren't recorded yet.

`versions_through` of a deployment is the number of the event up to which they are. It
is advanced in the transaction that records the versions.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text, update

from app.domain.events import TaskResult
from app.store.deployment_tables import deployments

#: The results of tasks that may have changed files: some items of a loop that failed.
RESULTS = frozenset({TaskResult.CHANGED, TaskResult.FAILED, TaskResult.IGNORED})
#: Maximum bytes of the events of a piece; the last one may exceed them.
MAX_BYTES = 4 * 1024 * 1024
# The release before this one records versions with the events, and doesn't advance
# `versions_through`.
_LOCK = text("""
SELECT last_event, greatest(
    versions_through,
    (SELECT max(number) FROM file_versions WHERE deployment = :deployment)
) AS through
FROM deployments WHERE id = :deployment
FOR NO KEY UPDATE
""")
#: The events of ansible-runner that may report a change of a file; see
#: app/runner/file_diffs.py.
_FIND = text("""
SELECT number, at, host, task, data, total FROM (
    SELECT number, at, host, task, data, octet_length(data) AS size,
           sum(octet_length(data)) OVER (ORDER BY number) AS total
    FROM events
    WHERE deployment_id = :deployment AND number > :after AND number <= :last
          AND kind = 'runner' AND name IN ('runner_on_ok', 'runner_on_failed')
          AND result = ANY(CAST(:results AS text[])) AND host <> ''
          AND (strpos(data, '"diff"') > 0 OR strpos(data, '"checksum') > 0)
    ORDER BY number LIMIT :limit
) AS found
WHERE total - size < :max_bytes
ORDER BY number
""")


@dataclass(frozen=True, slots=True)
class UnversionedEvent:
    """An event of ansible-runner that may report changes of files on a host.

    `data` is the event as JSON.
    """

    number: int
    at: datetime
    host: str
    task: str
    data: str


@dataclass(frozen=True, slots=True)
class Piece:
    """The next events, in order; there are no others up to the event `through`.

    `is_last` says that no further event is recorded by now.
    """

    events: list[UnversionedEvent]
    through: int
    is_last: bool


def lock_next(db: Connection, deployment_id: int, limit: int) -> Piece | None:
    """Lock a deployment, and return its next events, at most `limit`.

    Returns None if all of its events are done, or the deployment doesn't exist.
    """
    of_deployment = {"deployment": deployment_id}
    place = db.execute(_LOCK, of_deployment).one_or_none()
    if place is None or place.last_event <= (place.through or 0):
        return None
    bounds = {"after": place.through or 0, "last": place.last_event}
    most = {"limit": limit, "max_bytes": MAX_BYTES, "results": sorted(RESULTS)}
    rows = db.execute(_FIND, {**of_deployment, **bounds, **most}).all()
    is_last = len(rows) < limit and (not rows or rows[-1].total < MAX_BYTES)
    return Piece(
        [UnversionedEvent(*row[:-1]) for row in rows],
        place.last_event if is_last else rows[-1].number,
        is_last,
    )


def advance(db: Connection, deployment_id: int, through: int) -> None:
    """Store the event up to which the versions of a locked deployment are recorded."""
    db.execute(
        update(deployments)
        .where(deployments.c.id == deployment_id)
        .values(versions_through=through)
    )
