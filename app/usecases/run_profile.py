"""Measure where the time of a playbook's run went, when it has ended."""

from dataclasses import replace

from app.domain import task_result
from app.domain.deployment import Deployment
from app.domain.timing import TaskTime
from app.errors import Unavailable
from app.log import get
from app.store import deployment_steps, timings
from app.store.store import Store

log = get("record")


def measure(store: Store, deployment: Deployment) -> None:
    """Measure and store the times of a run; a script has none.

    What can't be measured is logged: a run must end whatever its events contain. Raises
    Unavailable.
    """
    if deployment.service.playbook is None:
        return
    try:
        _measure(store, deployment)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the next time it would be the same
        log.warning(
            "timing.failed", deployment=deployment.id, error=type(error).__name__
        )


def _measure(store: Store, deployment: Deployment) -> None:
    with store.begin() as db:
        steps = deployment_steps.steps_of(db, deployment.id)
        names = {step.position: step.name for step in steps}
        profile = timings.measure(db, deployment.id, names)
        tasks = tuple(
            _with_module(
                task, timings.result_data(db, deployment.id, task.slowest[0].result)
            )
            for task in profile.tasks
        )
        timings.put(db, deployment.id, replace(profile, tasks=tasks))


def _with_module(task: TaskTime, data: str) -> TaskTime:
    details = task_result.read(data)
    items = len(details.items) + details.more_items
    return replace(task, module=details.module, items=items)
