"""Hints: which slow tasks have a known remedy."""

import pytest

from app.domain.timing import TaskTime
from app.domain.timing_hints import hints


def task(module: str, seconds: float = 10.0, items: int = 0) -> TaskTime:
    return TaskTime("step", "Install", seconds, 1, (), module=module, items=items)


@pytest.mark.parametrize(
    "tasks",
    [
        [task("apt", items=3)],
        [task("ansible.builtin.package", items=2)],
        [task("setup")],
        [task("copy", 7.0), task("ansible.builtin.gather_facts", 3.0)],
        [task("copy", 7.0), task("setup", 1.5), task("setup", 1.5)],
    ],
    ids=["apt", "package", "facts", "share", "several-plays"],
)
def test_a_known_remedy_is_named(tasks: list[TaskTime]) -> None:
    assert 1 == len(hints(tasks, sum(one.seconds for one in tasks)))


@pytest.mark.parametrize(
    "tasks",
    [
        [task("apt")],
        [task("apt", items=1)],
        [task("apt", 0.5, items=9)],
        [task("copy", items=9)],
        [task("copy", 90.0), task("setup", 3.0)],
        [task("setup", 1.0)],
        [],
    ],
    ids=["list", "one-item", "fast", "other", "small-share", "short", "none"],
)
def test_other_tasks_get_no_hint(tasks: list[TaskTime]) -> None:
    assert [] == hints(tasks, sum(one.seconds for one in tasks))
