"""Query the results of an Ansible run by task and by host.

Each query reads only its window from the partial indexes of `events`, independently of
the number of events. The conditions of these indexes are literals, since PostgreSQL
can't match an index condition with a parameter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, text
from sqlalchemy.sql.elements import TextClause

from app.domain.events import EventKind, TaskResult
from app.domain.matrix import Result, Task
from app.store.deployment_tables import events
from app.store.events import MAX_NUMBER

#: Maximum number of recaps of one deployment; a script may run several playbooks.
MAX_RECAPS = 20
#: Maximum number of failures from which those that were rescued are found.
MAX_FAILURES = 1000

_c = events.c
_STARTS: TextClause = text("name = 'playbook_on_task_start'")
_STATS: TextClause = text("name = 'playbook_on_stats'")
#: The condition of the partial index of task results by host.
HAS_RESULT: TextClause = text("events.host IS NOT NULL AND events.result IS NOT NULL")
_FAILED = (TaskResult.FAILED.value, TaskResult.UNREACHABLE.value)
_BY_INDEX = text(
    "SELECT set_config('enable_bitmapscan', 'off', true),"
    " set_config('enable_sort', 'off', true)"
)
#: A loose index scan over hosts, which PostgreSQL 15 doesn't do by itself.
_HOSTS = text("""
WITH RECURSIVE hosts AS (
    (SELECT host FROM events
     WHERE deployment_id = :id AND host > :after AND result IS NOT NULL
     ORDER BY host LIMIT 1)
    UNION ALL
    SELECT (SELECT host FROM events
            WHERE deployment_id = :id AND host > hosts.host AND result IS NOT NULL
            ORDER BY host LIMIT 1)
    FROM hosts WHERE hosts.host IS NOT NULL
)
SELECT host FROM hosts WHERE host IS NOT NULL LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class FailureRow:
    """The last failure of a host; `data` is the complete event as JSON."""

    number: int
    host: str
    task: str
    step: int | None
    result: TaskResult
    data: str


@dataclass(frozen=True, slots=True)
class TaskResultRow:
    """The result of a task on a host; `data` is the complete event as JSON."""

    number: int
    at: datetime
    host: str
    task: str
    step: int | None
    result: TaskResult
    data: str


def by_index(db: Connection) -> None:
    """Make PostgreSQL use index scans until the transaction ends.

    Its statistics don't include a run that has just started. PostgreSQL would expect
    few events, and read and sort all events of a run that has very many.
    """
    db.execute(_BY_INDEX)


def changed(db: Connection, deployment_id: int, limit: int) -> list[tuple[str, str]]:
    """Return pairs of task and host for the changed results, in order."""
    rows = db.execute(
        select(_c.task, _c.host)
        .where(
            _c.deployment_id == deployment_id,
            HAS_RESULT,
            _c.result == TaskResult.CHANGED.value,
        )
        .order_by(_c.number)
        .limit(limit)
    )
    return [(row.task or "", row.host or "") for row in rows]


def tasks_before(
    db: Connection, deployment_id: int, *, before: int, limit: int
) -> list[Task]:
    """Return the last `limit` tasks that started before event `before`, in order."""
    tasks = _tasks(db, deployment_id, _c.number < before, _c.number.desc(), limit)
    return tasks[::-1]


def tasks_after(
    db: Connection, deployment_id: int, *, after: int, limit: int
) -> list[Task]:
    """Return the first `limit` tasks that started after event `after`, in order."""
    return _tasks(db, deployment_id, _c.number > after, _c.number, limit)


def _tasks(
    db: Connection,
    deployment_id: int,
    where: ColumnElement[bool],
    order: ColumnElement[int],
    limit: int,
) -> list[Task]:
    rows = db.execute(
        select(_c.number, _c.task, _c.step)
        .where(
            _c.deployment_id == deployment_id,
            _c.kind == EventKind.RUNNER.value,
            where,
            _STARTS,
        )
        .order_by(order)
        .limit(limit)
    )
    return [Task(row.number, row.task, row.step) for row in rows]


def hosts_after(
    db: Connection, deployment_id: int, *, after: str, limit: int
) -> list[str]:
    """Return the first `limit` hosts with a result whose names sort after `after`."""
    parameters = {"id": deployment_id, "after": after, "limit": limit}
    return list(db.scalars(_HOSTS, parameters))


def results(
    db: Connection, deployment_id: int, hosts: Sequence[str], begin: int, end: int
) -> list[Result]:
    """Return the results of these hosts with numbers from `begin` to below `end`."""
    rows = db.execute(
        select(_c.number, _c.host, _c.task, _c.result).where(
            _c.deployment_id == deployment_id,
            _c.host.in_(hosts),
            _c.number >= begin,
            _c.number < end,
            HAS_RESULT,
        )
    )
    # The index sorts by host first. An ORDER BY number would make PostgreSQL choose
    # another index, so the rows are sorted here.
    return sorted((_result(row) for row in rows), key=lambda result: result.number)


def failures(db: Connection, deployment_id: int, hosts: Sequence[str]) -> list[Result]:
    """Return the failures of these hosts in order; at most MAX_FAILURES."""
    rows = db.execute(
        select(_c.number, _c.host, _c.task, _c.result)
        .where(
            _c.deployment_id == deployment_id,
            _c.host.in_(hosts),
            _c.result == TaskResult.FAILED.value,
            HAS_RESULT,
        )
        .limit(MAX_FAILURES)
    )
    return sorted((_result(row) for row in rows), key=lambda result: result.number)


def changed_results(
    db: Connection, deployment_id: int, *, after: int, up_to: int, limit: int
) -> list[TaskResultRow]:
    """Return the first changed results with numbers above `after` up to `up_to`."""
    rows = db.execute(
        select(_c.number, _c.at, _c.host, _c.task, _c.step, _c.result, _c.data)
        .where(
            _c.deployment_id == deployment_id,
            _c.number > after,
            _c.number <= up_to,
            _c.result == TaskResult.CHANGED.value,
            HAS_RESULT,
        )
        .order_by(_c.number)
        .limit(limit)
    )
    return [_row(row) for row in rows]


def last_failure(db: Connection, deployment_id: int, host: str) -> FailureRow | None:
    """Return the last event in which a host failed or was unreachable."""
    row = db.execute(
        select(_c.number, _c.task, _c.step, _c.result, _c.data)
        .where(
            _c.deployment_id == deployment_id,
            _c.host == host,
            _c.result.in_(_FAILED),
            HAS_RESULT,
        )
        .order_by(_c.number.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return FailureRow(row.number, host, row.task, row.step, TaskResult(row.result),
                   row.data)  # fmt: skip


def recaps(db: Connection, deployment_id: int) -> list[str]:
    """Return Ansible's recap events as JSON, in order."""
    rows = db.scalars(
        select(_c.data)
        .where(
            _c.deployment_id == deployment_id,
            _c.kind == EventKind.RUNNER.value,
            _STATS,
        )
        .order_by(_c.number.desc())
        .limit(MAX_RECAPS)
    ).all()
    return list(reversed(rows))


def find(db: Connection, deployment_id: int, number: int) -> TaskResultRow | None:
    """Return the task result with this event number; None if it isn't a result."""
    if number > MAX_NUMBER:
        return None
    row = db.execute(
        select(_c.number, _c.at, _c.host, _c.task, _c.step, _c.result, _c.data).where(
            _c.deployment_id == deployment_id,
            _c.number == number,
            _c.kind == EventKind.RUNNER.value,
            HAS_RESULT,
        )
    ).one_or_none()
    return None if row is None else _row(row)


def neighbours(
    db: Connection, deployment_id: int, host: str, number: int
) -> tuple[Result | None, Result | None]:
    """Return the results of a host before and after event `number`."""
    of_host = select(_c.number, _c.host, _c.task, _c.result).where(
        _c.deployment_id == deployment_id, _c.host == host, HAS_RESULT
    )
    before = of_host.where(_c.number < number).order_by(_c.number.desc()).limit(1)
    behind = of_host.where(_c.number > number).order_by(_c.number).limit(1)
    rows = [db.execute(query).one_or_none() for query in (before, behind)]
    return (
        None if rows[0] is None else _result(rows[0]),
        None if rows[1] is None else _result(rows[1]),
    )


def _row(row: Any) -> TaskResultRow:
    return TaskResultRow(row.number, row.at, row.host, row.task, row.step,
                         TaskResult(row.result), row.data)  # fmt: skip


def _result(row: Any) -> Result:
    return Result(row.number, row.host, row.task, TaskResult(row.result))
