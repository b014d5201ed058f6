"""What went wrong in a run of Ansible, for its outcome and its warnings."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, and_, or_, select

from app.domain.events import EventKind, TaskResult
from app.domain.run_warning import Setback
from app.store import results
from app.store.tables import events

#: Results of one run that its warnings are made from.
MAX_SETBACKS = 10_000
#: Plays that are looked at in a run in which nothing ran.
_MAX_PLAYS = 500
#: Number of last events among which a play that ended early is looked for.
_LOOK_AT = 1000

_c = events.c
_BAD = (TaskResult.FAILED.value, TaskResult.UNREACHABLE.value)
_UNREACHABLE = "runner_on_unreachable"
_PLAY, _NOBODY = "playbook_on_play_start", "playbook_on_no_hosts_matched"


@dataclass(frozen=True, slots=True)
class Play:
    """A play with the hosts that it began with."""

    name: str
    hosts: Sequence[str]


def setbacks(
    db: Connection, deployment_id: int, steps: dict[int, str]
) -> list[Setback]:
    """The failures and unreachable hosts of a run, in order.

    A failure that `ignore_errors` covers isn't among them; an unreachable host that
    `ignore_unreachable` covers is. `steps` are the names of the steps by position.
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
    """The host patterns of a run in which no play matched a host; None of any other.

    Ask only about a run in which no host did anything: such a run has few events.
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


def ended_play(
    db: Connection, deployment_id: int, *, last: int, hosts: Sequence[str]
) -> Play | None:
    """The play that the failure of one of these hosts ended for the others too.

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
        # It went on: a block's `always`, or a strategy that doesn't end it for others.
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


def _ending_failure(
    db: Connection, deployment_id: int, hosts: Sequence[str]
) -> int | None:
    """The number of the last failure with `run_once` or `any_errors_fatal`."""
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
