"""The matrix of an Ansible run: the result of each task on each host."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.domain.events import TaskResult
from app.domain.steps import SEPARATOR

#: How a failure is displayed after which a `rescue` section succeeded.
RESCUED = "rescued"


@dataclass(frozen=True, slots=True)
class Task:
    """A started task; `number` is that of the event, `step` the step's position."""

    number: int
    name: str
    step: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a task on a host; `number` is that of the event.

    `rescued` says that it failed in a block whose `rescue` section succeeded.
    """

    number: int
    host: str
    task: str
    result: TaskResult
    rescued: bool = False

    @property
    def shown(self) -> str:
        """The state to display: `rescued` or the result."""
        return RESCUED if self.rescued else self.result


@dataclass(frozen=True, slots=True)
class Row:
    """A task with a cell for each host, None where there is no result yet."""

    task: Task
    label: str
    cells: tuple[Result | None, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive tasks of one step."""

    step: int | None
    name: str
    rows: tuple[Row, ...]


def arrange(
    tasks: Sequence[Task], hosts: Sequence[str], results: Iterable[Result]
) -> list[Row]:
    """Assign each result to its task.

    This is the latest task with its name that started before it. With the strategy
    `free`, a task starts once for each host: starts without a result are omitted.
    Tasks and results must be in the order of their numbers; results of other hosts
    and tasks are ignored.
    """
    columns = {host: position for position, host in enumerate(hosts)}
    cells: list[list[Result | None]] = [[None] * len(hosts) for _ in tasks]
    latest: dict[str, int] = {}
    begun = 0
    used = set()
    for result in results:
        while begun < len(tasks) and tasks[begun].number < result.number:
            latest[tasks[begun].name] = begun
            begun += 1
        row = latest.get(result.task)
        column = columns.get(result.host)
        if row is not None and column is not None:
            cells[row][column] = result
            used.add(row)
    last = {task.name: row for row, task in enumerate(tasks)}
    return [
        Row(task, label(task.name), tuple(cells[row]))
        for row, task in enumerate(tasks)
        if row in used or last[task.name] == row
    ]


def grouped(rows: Iterable[Row], names: dict[int, str]) -> list[Group]:
    """Group consecutive rows by step; `names` are the steps' names by position."""
    groups: list[Group] = []
    for row in rows:
        step = row.task.step
        if groups and groups[-1].step == step:
            last = groups[-1]
            groups[-1] = Group(step, last.name, (*last.rows, row))
        else:
            groups.append(Group(step, names.get(step or 0, ""), (row,)))
    return groups


def label(task: str) -> str:
    """Remove the step from a task's name: "publish | Copy files" → "Copy files"."""
    _, found, rest = task.partition(SEPARATOR)
    return rest if found and rest.strip() else task
