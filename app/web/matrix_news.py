"""Convert events to the rows and cells that the event stream adds to the matrix."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.events import TASK_START, EventKind, TaskResult
from app.domain.matrix import Result, label
from app.store.events import Event
from app.usecases.deploy import View


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task that was started, as a new row of the matrix."""

    number: int
    task: str
    label: str
    step: int | None
    step_name: str


def matrix_news(view: View, events: Iterable[Event]) -> list[TaskStarted | Result]:
    """Return the new tasks and results for the matrix."""
    names = {step.position: step.name for step in view.steps}
    news: list[TaskStarted | Result] = []
    for event in events:
        if event.kind is not EventKind.RUNNER:
            continue
        if event.name == TASK_START:
            name = names.get(event.step or 0, "")
            started = TaskStarted(
                event.number, event.task, label(event.task), event.step, name
            )
            news.append(started)
        elif event.host and event.result:
            result = TaskResult(event.result)
            news.append(Result(event.number, event.host, event.task, result))
    return news
