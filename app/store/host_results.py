"""Measure what a run did to its hosts, from its recorded results."""

from collections.abc import Iterator

import orjson
from sqlalchemy import ColumnElement, Connection, and_, func, select, text

from app.domain.events import EventKind, TaskResult
from app.domain.host import HostOutcome, RunShape, Tally, judge
from app.domain.inventory import MAX_HOSTS
from app.domain.recap import recap
from app.store import results
from app.store.deployment_tables import events
from app.store.results import HAS_RESULT

_c = events.c
_BAD = (TaskResult.FAILED.value, TaskResult.UNREACHABLE.value)
_STARTS = text("name = 'playbook_on_task_start'")
#: The field that the callback plugin adds to a failure that ends a play for all hosts.
_ENDS_PLAY = '"ends_play": true'
#: Maximum number of tasks among which the first one of the last play is searched.
_MAX_TASKS = 5_000


def measure(
    db: Connection, deployment_id: int, *, successful: bool, everything: bool
) -> list[HostOutcome]:
    """Return what a run did to each host, sorted by name; at most MAX_HOSTS.

    Args:
        db: The transaction.
        deployment_id: The deployment, whose run has ended.
        successful: Whether its outcome is a success.
        everything: Whether it is not a check and leaves out no task.
    """
    results.by_index(db)
    found = tallies(db, deployment_id)
    if not found:
        return []
    shape = RunShape(successful, everything)
    if everything and not successful:
        shape = RunShape(
            successful,
            everything,
            last_play=_start_of_last_play(db, deployment_id),
            stopped=_is_stopped(db, deployment_id),
        )
    return judge(found, recap(results.recaps(db, deployment_id)), shape)


def tallies(db: Connection, deployment_id: int) -> list[Tally]:
    """Count the results of each host."""
    bad = _c.result.in_(_BAD)
    rows = db.execute(
        select(
            _c.host,
            _count(_c.result == TaskResult.CHANGED.value),
            _count(bad),
            func.max(_c.number),
            func.coalesce(func.max(_c.number).filter(bad), 0),
            func.bool_or(_c.result == TaskResult.UNREACHABLE.value),
            func.min(_c.at),
            func.max(_c.at),
        )
        .where(_c.deployment_id == deployment_id, HAS_RESULT, _c.host != "")
        .group_by(_c.host)
        .limit(MAX_HOSTS)
    )
    return [Tally(*row) for row in rows]


def _count(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(which)


def _start_of_last_play(db: Connection, deployment_id: int) -> int:
    """Return the number of the event with the first task of the last play; 0 if none.

    With `serial`, the batches of a play are one play.
    """
    first, last_play = 0, ""
    for number, play in _plays(db, deployment_id):
        last_play = last_play or play
        if play != last_play:
            break
        first = number
    return first


def _plays(db: Connection, deployment_id: int) -> Iterator[tuple[int, str]]:
    """Yield the starts of tasks with the uuid of their play, the last one first."""
    rows = db.execute(
        select(_c.number, _c.data)
        .where(
            _c.deployment_id == deployment_id,
            _c.kind == EventKind.RUNNER.value,
            _STARTS,
        )
        .order_by(_c.number.desc())
        .limit(_MAX_TASKS)
    )
    for row in rows:
        about = orjson.loads(row.data).get("event_data", {})
        # A batch has the uuid of the play with its number: `<uuid>_2`.
        yield row.number, str(about.get("play_uuid", "")).partition("_")[0]


def _is_stopped(db: Connection, deployment_id: int) -> bool:
    """Return whether a failure ended a play for all hosts."""
    found = select(_c.number).where(
        and_(
            _c.deployment_id == deployment_id,
            _c.result.in_(_BAD),
            HAS_RESULT,
            func.strpos(_c.data, _ENDS_PLAY) > 0,
        )
    )
    return db.execute(found.limit(1)).first() is not None
