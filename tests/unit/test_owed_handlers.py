"""Which handlers a sequence of results leaves owed, and what a notification reaches."""

from dataclasses import dataclass, replace

import pytest

from app.domain.events import TaskResult
from app.domain.owed_handlers import Notified, changes
from app.runner.callback.notifications import find
from testing.factories import make_task

OWED = {("web1", "restart"): Notified("Configure", 1)}
NOTIFY = replace(make_task("Configure", TaskResult.CHANGED), notified=("restart",))


@pytest.mark.parametrize(
    ("result", "owed", "ran"),
    [
        (TaskResult.OK, {}, {("web1", "restart")}),
        (TaskResult.CHANGED, {}, {("web1", "restart")}),
        (TaskResult.SKIPPED, {}, set()),
        (TaskResult.FAILED, OWED, set()),
        (TaskResult.IGNORED, OWED, set()),
        (TaskResult.UNREACHABLE, OWED, set()),
    ],
)
def test_a_handler_is_owed_until_it_ran_or_its_condition_skipped_it(
    result: TaskResult,
    owed: dict[tuple[str, str], Notified],
    ran: set[tuple[str, str]],
) -> None:
    handler = replace(make_task("restart", result), handler="restart")

    found = changes([(1, NOTIFY), (2, handler)])

    assert owed == found.notified
    assert ran == found.ran


def test_a_handler_that_runs_once_is_settled_on_all_hosts() -> None:
    other = replace(NOTIFY, host="web2")
    once = replace(make_task("restart", TaskResult.OK), handler="restart", for_all=True)

    found = changes([(1, NOTIFY), (2, other), (3, once)])

    assert {} == found.notified
    assert {("", "restart")} == found.ran


def test_a_handler_that_is_notified_after_it_ran_is_owed_by_the_second_task() -> None:
    handler = replace(make_task("restart", TaskResult.OK), handler="restart")

    found = changes([(1, NOTIFY), (2, handler), (3, NOTIFY), (4, NOTIFY)])

    assert {("web1", "restart"): Notified("Configure", 3)} == found.notified


@dataclass
class Handler:
    """As much of a handler of Ansible as decides what a notification reaches."""

    name: str
    listen: tuple[str, ...] = ()
    role: str = ""
    action: str = "service"
    number: int = 0

    def get_name(self, *, include_role_fqcn: bool = True) -> str:
        """Return the name as Ansible does, with the role's."""
        role = f"my.{self.role}" if include_role_fqcn else self.role
        return f"{role} : {self.name}" if self.role else self.name


HANDLERS = [
    Handler("restart", number=1),
    Handler("restart", ("all",), number=2),
    Handler("restart", ("all",), "web", number=3),
    Handler("reload", ("all", "web : all"), "web", number=4),
    Handler("", ("all",), number=5),
    Handler("end", ("all",), action="meta", number=6),
]


@pytest.mark.parametrize(
    ("notification", "reached"),
    [
        ("restart", [1]),
        ("web : restart", [3]),
        ("my.web : restart", [3]),
        ("all", [2, 4, 5]),
        ("web : all", [4]),
        ("end", []),
        ("unknown", []),
    ],
)
def test_a_notification_reaches_the_first_of_a_name_and_all_of_a_topic(
    notification: str, reached: list[int]
) -> None:
    assert reached == [each.number for each in find(HANDLERS, notification)]
