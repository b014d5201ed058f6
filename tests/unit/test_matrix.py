"""The matrix: every result beside the task that it is of."""

from app.domain.events import TaskResult
from app.domain.matrix import Result, Task, arrange, grouped, label

OK, FAILED = TaskResult.OK, TaskResult.FAILED


def numbers(rows: list) -> list[list[int | None]]:  # type: ignore[type-arg] # any rows
    return [[cell and cell.number for cell in row.cells] for row in rows]


def test_each_result_is_in_the_row_of_its_task_and_the_column_of_its_host() -> None:
    tasks = [Task(1, "a", 1), Task(4, "b", 1)]
    results = [Result(2, "x", "a", OK), Result(3, "y", "a", OK),
               Result(5, "y", "b", FAILED)]  # fmt: skip

    assert [[2, 3], [None, 5]] == numbers(arrange(tasks, ["x", "y"], results))


def test_a_task_that_is_repeated_gets_its_results_each_time() -> None:
    tasks = [Task(1, "a", 1), Task(3, "a", 1)]
    results = [Result(2, "x", "a", OK), Result(4, "x", "a", FAILED)]

    assert [[2], [4]] == numbers(arrange(tasks, ["x"], results))


def test_beginnings_of_the_strategy_free_become_one_row() -> None:
    """A task begins for each host there, and others do in between."""
    tasks = [Task(1, "a", 1), Task(2, "a", 1), Task(4, "b", 1), Task(6, "b", 1)]
    results = [Result(3, "x", "a", OK), Result(5, "y", "a", OK),
               Result(7, "x", "b", OK), Result(8, "y", "b", OK)]  # fmt: skip

    assert [[3, 5], [7, 8]] == numbers(arrange(tasks, ["x", "y"], results))


def test_the_task_that_has_just_started_is_a_row_without_results() -> None:
    tasks = [Task(1, "a", 1), Task(3, "b", 1)]

    rows = arrange(tasks, ["x"], [Result(2, "x", "a", OK)])

    assert [[2], [None]] == numbers(rows)


def test_results_of_what_is_not_shown_are_left_out() -> None:
    results = [Result(1, "x", "earlier", OK), Result(3, "z", "a", OK)]

    assert [[None]] == numbers(arrange([Task(2, "a", 1)], ["x"], results))


def test_rows_are_grouped_where_the_step_changes() -> None:
    tasks = [Task(1, "a", 1), Task(2, "b", 2), Task(3, "c", 2), Task(4, "d", 1)]

    groups = grouped(arrange(tasks, [], []), {1: "prepare", 2: "publish"})

    assert [("prepare", 1), ("publish", 2), ("prepare", 1)] == [
        (group.name, len(group.rows)) for group in groups
    ]


def test_a_label_leaves_out_the_step() -> None:
    assert ["Copy files", "Copy files", "x | ", ""] == [
        label(name) for name in ("publish | Copy files", "Copy files", "x | ", "")
    ]
