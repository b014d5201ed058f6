"""The warnings of a run, from what failed in it and from Ansible's recap."""

import pytest

from app.domain.events import TaskResult
from app.domain.run_warning import (
    MAX_HOSTS,
    MAX_WARNINGS,
    RunWarning,
    Setback,
    collect,
    dropped,
)

FAILED, UNREACHABLE = TaskResult.FAILED, TaskResult.UNREACHABLE


def setbacks(
    *hosts: str,
    task: str = "migrate | Run it",
    result: TaskResult = FAILED,
    first: int = 1,
    ignored: bool = False,
) -> list[Setback]:
    """The same task on these hosts, in events from number `first` on."""
    return [
        Setback(number, host, task, "migrate", result, ignored)
        for number, host in enumerate(hosts, start=first)
    ]


@pytest.mark.parametrize(
    ("found", "lost", "expected"),
    [
        pytest.param([], {"a"}, [], id="nothing"),
        pytest.param(
            setbacks("web2"), {"web2"},
            ["web2 failed in migrate (Run it) and was cleared by the playbook"],
            id="cleared",
        ),
        pytest.param(
            setbacks("web1", "web2"), set(),
            ["web1, web2 failed in migrate (Run it) and were rescued by the playbook"],
            id="rescued",
        ),
        pytest.param(
            setbacks("a", result=UNREACHABLE), {"a"},
            [("a could not be reached in migrate (Run it) and was cleared by the "
             "playbook")],
            id="unreachable",
        ),
        pytest.param(
            setbacks("a", result=TaskResult.IGNORED, ignored=True), set(),
            ["a could not be reached in migrate (Run it), which the playbook ignores"],
            id="ignored",
        ),
        pytest.param(
            [*setbacks("a", task="One"), *setbacks("a", task="Two", first=2)], {"a"},
            ["a failed in migrate (One) and was rescued by the playbook",
             "a failed in migrate (Two) and was cleared by the playbook"],
            id="rescued-then-cleared",
        ),
        pytest.param(
            setbacks(*(f"h{n}" for n in range(100)), task="migrate"), set(),
            [("h0, h1, h2, h3, h4, h5, h6, h7, h8, h9 and 90 more failed in migrate "
             "and were rescued by the playbook")],
            id="many-hosts-and-a-task-named-like-its-step",
        ),
    ],
)  # fmt: skip
def test_a_warning_says_which_hosts_failed_where_and_why_the_run_did_not(
    found: list[Setback], lost: set[str], expected: list[str]
) -> None:
    assert expected == [str(one) for one in collect(found, frozenset(lost))]


def test_the_hosts_of_a_play_that_did_not_fail_were_dropped() -> None:
    (one,) = dropped("Migrate", ["a", "b", "c"], frozenset({"a"}))
    (single,) = dropped("Migrate", ["b"], frozenset({"a"}))

    assert "2 hosts of play Migrate did nothing further: b, c" == str(one)
    assert "1 host of play Migrate did nothing further: b" == str(single)
    assert [] == dropped("Migrate", ["a"], frozenset({"a"}))


def test_warnings_are_bounded_and_count_all_hosts() -> None:
    hosts = [f"h{n}" for n in range(MAX_HOSTS + 5)]
    tasks = [one for n in range(MAX_WARNINGS + 5)
             for one in setbacks("a", task=str(n))]  # fmt: skip

    (one,) = collect(setbacks(*hosts), frozenset())

    assert (MAX_HOSTS, MAX_HOSTS + 5) == (len(one.hosts), one.count)
    assert MAX_WARNINGS == len(collect(tasks, frozenset()))


def test_a_warning_is_stored_and_read_back() -> None:
    (one,) = collect(setbacks("a"), frozenset())

    assert one == RunWarning.from_json(one.as_json())
