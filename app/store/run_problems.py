"""Query the problems of an Ansible run for its outcome and its warnings."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, and_, or_, select, text

from app.domain.events import EventKind, TaskResult
from app.domain.run_warning import Setback
from app.store import results
from app.store.deployment_tables import events

#: Maximum number of results from which the warnings of a run are computed.
MAX_SETBACKS = 10_000
#: Maximum number of plays to check in a run without any task.
_MAX_PLAYS = 500
#: Number of last events to search for a play that ended early.
_LOOK_AT = 1000

_c = events.c
_BAD = (TaskResult.FAILED.value, TaskResult.UNREACHABLE.value)
_UNREACHABLE = "runner_on_unreachable"
#: Matches a partial index, which a parameter wouldn't.
_STARTS = text("name = 'playbook_on_task_start'")
_GATHERING = "Gathering Facts"
_PLAY, _NOBODY = "playbook_on_play_start", "playbook_on_no_hosts_matched"


@dataclass(frozen=True, slots=True)
class Play:
    """A play with the hosts that it started with."""

    name: str
    hosts: Sequence[str]


def setbacks(
    db: Connection, deployment_id: int, steps: dict[int, str]
) -> list[Setback]:
    """Return the failures and unreachable hosts of a run, in order.

    Failures with `ignore_errors` are excluded; unreachable hosts with
    `ignore_unreachable` are included. `steps` are the names of the steps by position.
    """
    rows = db.execute(
        select(_c.number, _c.host, _c.task, _c.step, _c.result)
        .where(
            _c.deployment_id == deployment_id,
            _c.host.is_not(None),
            _c.result.is_not(None),
            or_(
                _c.result.in_(_BAD),
                and_(_c.result == TaskResult.IGNORED.value, _c.name == _UNREACHABLE),
            ),
        )
        .order_by(_c.number)
        .limit(MAX_SETBACKS)
    )
    return [
        Setback(
            number=row.number,
            host=row.host,
            task=row.task or "",
            step=steps.get(row.step or 0, ""),
            result=TaskResult(row.result),
            ignored=row.result == TaskResult.IGNORED.value,
        )
        for row in rows
    ]


def unmatched(db: Connection, deployment_id: int) -> list[str] | None:
    """Return the host patterns if no play of a run matched a host; otherwise None.

    Call it only for a run without results: such a run has few events.
    """
    rows = db.execute(
        select(_c.name, _c.data)
        .where(
            _c.deployment_id == deployment_id,
            _c.kind == EventKind.RUNNER.value,
            _c.name.in_((_PLAY, _NOBODY)),
        )
        .order_by(_c.number)
        .limit(_MAX_PLAYS)
    ).all()
    without = [row.data for row in rows if row.name == _NOBODY]
    if not without or len(without) * 2 != len(rows):
        return None
    patterns = (_text(data, "play_pattern") for data in without)
    return list(dict.fromkeys(filter(None, patterns)))


def has_task(db: Connection, deployment_id: int) -> bool:
    """Return whether a run began any task, besides the gathering of facts.

    Ansible gathers facts also for a play in which no task is selected.
    """
    found = db.scalar(
        select(_c.number)
        .where(
            _c.deployment_id == deployment_id,
            _STARTS,
            _c.task.is_distinct_from(_GATHERING),
        )
        .limit(1)
    )
    return found is not None


def ended_play(
    db: Connection, deployment_id: int, *, last: int, hosts: Sequence[str]
) -> Play | None:
    """Return the play that a failure of one of these hosts ended for all hosts.

    `last` is the number of the deployment's last event.
    """
    number = _ending_failure(db, deployment_id, hosts) or db.scalar(
        select(_c.number)
        .where(
            _c.deployment_id == deployment_id,
            _c.number > last - _LOOK_AT,
            _c.name == "playbook_on_no_hosts_remaining",
        )
        .order_by(_c.number.desc())
        .limit(1)
    )
    if number is None or results.tasks_after(db, deployment_id, after=number, limit=1):
        # The play continued: a block's `always`, or a strategy that doesn't end it.
        return None
    data = db.scalar(
        select(_c.data)
        .where(_c.deployment_id == deployment_id, _c.number < number, _c.name == _PLAY)
        .order_by(_c.number.desc())
        .limit(1)
    )
    if data is None:
        return None
    listed = _about(data).get("hosts")
    named = listed if isinstance(listed, list) else []
    return Play(_text(data, "play"), [host for host in named if isinstance(host, str)])


def last_play(db: Connection, deployment_id: int) -> str | None:
    """Return the event at the start of the last play, as JSON."""
    return db.scalar(
        select(_c.data)
        .where(
            _c.deployment_id == deployment_id,
            _c.kind == EventKind.RUNNER.value,
            _c.name == _PLAY,
        )
        .order_by(_c.number.desc())
        .limit(1)
    )


def bad_hosts(db: Connection, deployment_id: int) -> list[str]:
    """Return the hosts on which a task failed, or that were unreachable."""
    return list(
        db.scalars(
            select(_c.host)
            .where(
                _c.deployment_id == deployment_id,
                results.HAS_RESULT,
                _c.result.in_(_BAD),
            )
            .distinct()
        )
    )


def _ending_failure(
    db: Connection, deployment_id: int, hosts: Sequence[str]
) -> int | None:
    """Return the number of the last failure with `run_once` or `any_errors_fatal`."""
    rows = db.execute(
        select(_c.number, _c.data)
        .where(
            _c.deployment_id == deployment_id,
            _c.host.in_(hosts),
            _c.result.in_(_BAD),
        )
        .order_by(_c.number.desc())
        .limit(_LOOK_AT)
    )
    return next((n for n, data in rows if _about(data).get("ends_play") is True), None)


def _about(data: str) -> dict[str, object]:
    found = orjson.loads(data).get("event_data")
    return found if isinstance(found, dict) else {}


def _text(data: str, key: str) -> str:
    value = _about(data).get(key)
    return value[:200] if isinstance(value, str) else ""
