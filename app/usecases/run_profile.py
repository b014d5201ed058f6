"""Measure where the time of a playbook's run went, when it has ended."""

from dataclasses import replace

from app.domain import task_result
from app.domain.deployment import Deployment
from app.domain.timing import TaskTime
from app.store import deployment_steps, timings
from app.store.store import Store


def measure(store: Store, deployment: Deployment) -> None:
    """Measure and store the times of a run; a script has none."""
    if deployment.service.playbook is None:
        return
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
