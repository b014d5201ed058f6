"""A check that a schedule launches notifies of drift, and is silent while it lasts."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.domain.deployment import Origin
from app.domain.events import TaskResult
from app.settings import Settings
from app.store.store import Store
from app.usecases import notification_messages, record
from testing.factories import (
    begins,
    ends,
    make_service,
    recaps,
    record_lines,
    set_columns,
    start_deployment,
)
from testing.notification_rows import claim, written

SERVICE = make_service(
    deploy_script=None,
    playbook="site.yml",
    steps=[],
    notify=[{"on": ["failed", "recovered", "drift"], "to": "ops"}],
)
BY_SCHEDULE = {
    "origin": Origin.SCHEDULE, "actor": "schedule nightly",
    "options": {"check": True}, "partial": True,
}  # fmt: skip


def check(
    store: Store, settings: Settings, *changed: str, exit_code: int = 0, **more: Any
) -> int:
    """Run a check that would change tasks, each as `TASK` on `web1` or `TASK@HOST`."""
    number = start_deployment(store, settings, SERVICE).id
    with store.begin() as db:
        set_columns(db, number, **BY_SCHEDULE | more)
    for task, _, host in (each.partition("@") for each in changed):
        at = host or "web1"
        record_lines(store, number, begins(task), ends(task, at, TaskResult.CHANGED))
    record_lines(store, number, begins("Same"), ends("Same", "web1"),
                 recaps(ok={"web1": 1}))  # fmt: skip
    record.finish(store, number, exit_code)
    return number


def test_drift_is_written_when_it_appears_and_when_it_grows(
    store: Store, settings: Settings
) -> None:
    check(store, settings)
    first = check(store, settings, "Copy", "Restart")
    check(store, settings, "Copy", "Restart")
    check(store, settings, "Copy")
    grown = check(store, settings, "Copy", "Copy@web2")
    check(store, settings)
    again = check(store, settings, "Copy")

    assert [(number, "drift", "ops") for number in (first, grown, again)] == (
        written(store)
    )


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"origin": Origin.BROWSER}, id="a person looks at its result"),
        pytest.param({"options": None, "partial": False}, id="it is no check"),
        pytest.param({"exit_code": 2}, id="it failed"),
    ],
)
def test_other_deployments_find_no_drift(
    store: Store, settings: Settings, more: dict[str, Any]
) -> None:
    check(store, settings, "Copy", **more)

    assert "drift" not in [event for _, event, _ in written(store)]


def test_a_check_is_compared_with_the_last_one_of_its_schedule_that_succeeded(
    store: Store, settings: Settings
) -> None:
    first = check(store, settings, "Copy")
    check(store, settings, actor="schedule weekly")
    check(store, settings, origin=Origin.API)
    check(store, settings, exit_code=2)
    check(store, settings, "Copy")

    assert [(first, "drift", "ops")] == written(store)


def messages(store: Store) -> Sequence[Any]:
    claimed = claim(store)
    assert claimed is not None
    found = notification_messages.compose(store, "https://fd.example.org", claimed)
    return found.title, found.text, found.data


def test_the_message_names_hosts_and_tasks(store: Store, settings: Settings) -> None:
    hosts = [f"web{number}" for number in range(1, 6)]
    number = check(
        store, settings, "web | Copy <b>", *(f"Restart@{host}" for host in hosts)
    )

    title, text, data = messages(store)

    assert f"hello has drifted on web1, web2, web3 and 2 more (#{number})" == title
    for part in (
        "A check by schedule nightly had 6 changed results",
        f"https://fd.example.org/deployments/{number}",
        "Copy \u2039b\u203a on web1\n",
        "Restart on web1, web2, web3 and 2 more",
    ):
        assert part in text
    assert ("drift", 5, hosts) == (
        data["event"], data["drifted_hosts_count"], data["drifted_hosts"],
    )  # fmt: skip
    assert [("Copy <b>", 1), ("Restart", 5)] == [
        (each["task"], each["hosts_count"]) for each in data["drift"]
    ]
