"""Summarize failures: host or step, message, surrounding lines and last success."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from app.domain import task_result
from app.domain.deployment import Status
from app.domain.events import StepState
from app.domain.matrix import label
from app.domain.owed_handlers import OwedHandler
from app.store import earlier_deployments, events, host_keys, owed_handlers, results
from app.store.events import Event
from app.store.host_keys import RefusedKey
from app.store.store import Store
from app.usecases import evidence
from app.usecases.deploy import View
from app.usecases.results import failed_hosts

#: Maximum number of failures to describe; the others are counted.
MAX_FAILURES = 5
#: Number of lines before and after a failure to show.
BEFORE, BEHIND = 5, 2
#: Number of lines after the first line of Ansible's own error: its origin and source.
ERROR_BEHIND = 8
#: Number of events to search for these lines: many events, such as the start of a task
#: on a host, have no line.
LOOK_AROUND = 50
#: Number of last events to search for the report of a failed step.
LOOK_AT = 5000

_SUMMED_UP = frozenset({Status.FAILED, Status.TIMEOUT})


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a task on a host, of a step, or of the run itself.

    `number` is the number of its event; `result` is the same if it is a task result.
    `passed` is the last of the searched earlier deployments in which the same task,
    step or run succeeded, None if there is none.
    """

    host: str
    step: str
    task: str
    message: str
    number: int
    lines: Sequence[Event]
    passed: int | None
    result: int | None = None


@dataclass(frozen=True, slots=True)
class Failures:
    """The first failures; `more` counts the others.

    `look_back` is the number of searched earlier deployments of the service.
    """

    found: Sequence[Failure] = ()
    more: int = 0
    look_back: int = 0
    #: The host keys that ssh refused.
    host_keys: Sequence[RefusedKey] = ()
    #: The handlers that were notified and didn't run, neither then nor later.
    owed: Sequence[OwedHandler] = ()


def look(store: Store, view: View) -> Failures:
    """Summarize the failures of a deployment, up to the moment of the view."""
    found = _failures(store, view)
    with store.begin() as db:
        return replace(found, owed=owed_handlers.of_deployment(db, view.deployment.id))


def _failures(store: Store, view: View) -> Failures:
    hosts = failed_hosts(view.steps)
    with store.begin() as db:
        results.by_index(db)
        if hosts:
            number, last = view.deployment.id, view.deployment.last_event
            refused = host_keys.refused(db, number, last=last)
            rows = (results.last_failure(db, number, h) for h in hosts[:MAX_FAILURES])
            failures = [_of_host(db, view, row) for row in rows if row is not None]
            return Failures(failures, len(hosts) - len(failures),
                            _look_back(db, view), refused)  # fmt: skip
        if view.deployment.status not in _SUMMED_UP or view.deployment.pruned_at:
            return Failures()
        steps = [s.name for s in view.steps if s.state is StepState.FAILURE]
        names = steps[:MAX_FAILURES] or [""]
        failures = [_of_step(db, view, name) for name in names]
        more = max(len(steps) - len(failures), 0)
        return Failures(failures, more, _look_back(db, view))


def _look_back(db: Connection, view: View) -> int:
    deployment = view.deployment
    return earlier_deployments.count_recent(
        db, service_id=deployment.service_id, before=deployment.id
    )


def _of_host(db: Connection, view: View, row: results.FailureRow) -> Failure:
    passed = earlier_deployments.last_passed(
        db,
        service_id=view.deployment.service_id,
        before=view.deployment.id,
        host=row.host,
        task=row.task,
    )
    steps = {step.position: step.name for step in view.steps}
    return Failure(
        host=row.host,
        step=steps.get(row.step or 0, ""),
        task=label(row.task),
        message=task_result.message(row.data),
        number=row.number,
        lines=_around(db, view, row.number),
        passed=passed,
        result=row.number,
    )


def _of_step(db: Connection, view: View, name: str) -> Failure:
    """Describe a failed step or, without a name, a run that failed outside of steps."""
    deployment = view.deployment
    messages = {step.name: step.message for step in view.steps}
    reported = events.last_report(
        db, deployment.id, name, StepState.FAILURE,
        after=deployment.last_event - LOOK_AT,
    ) if name else None  # fmt: skip
    error = None if reported else evidence.error_number(db, deployment)
    number = reported or error or deployment.last_event
    earlier = {"service_id": deployment.service_id, "before": deployment.id}
    if name:
        passed = earlier_deployments.step_last_passed(db, step=name, **earlier)
    else:
        passed = earlier_deployments.last_successful(db, **earlier)
    return Failure(
        host="",
        step=name,
        task="",
        message=messages.get(name) or deployment.reason,
        number=number,
        lines=_around(db, view, number, ERROR_BEHIND if error else BEHIND),
        passed=passed,
    )


def _around(
    db: Connection, view: View, number: int, most_behind: int = BEHIND
) -> list[Event]:
    deployment_id = view.deployment.id
    before = events.read_before(db, deployment_id, before=number + 1, limit=LOOK_AROUND)
    behind = events.read(db, deployment_id, after=number, limit=LOOK_AROUND)
    return [
        *[event for event in before if event.is_line][-BEFORE - 1 :],
        *[event for event in behind if event.is_line][:most_behind],
    ]
