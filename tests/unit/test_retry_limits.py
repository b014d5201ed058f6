"""What a retry is limited to: the hosts and handlers of the run's config file."""

from pathlib import Path

import pytest

from app.domain.retry import Plan, RetryScope
from app.runner import retry_limits
from app.runner.errors import RunnerError

CONFIG = Path("run.json")


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        "web1",
        [1],
        [""],
        ["@file"],
        ["!web1"],
        ["&web1"],
        ["~web"],
        ["a\nb"],
        [" a"],
    ],
)
def test_what_is_not_a_list_of_hosts_is_refused(hosts: object) -> None:
    with pytest.raises(RunnerError, match="must be a list of host names"):
        retry_limits.read_hosts({"hosts": hosts}, CONFIG)


@pytest.mark.parametrize("owed", [[], "x", {"web1": "restart"}, {"web1": [1]}])
def test_what_are_not_handlers_by_host_is_refused(owed: object) -> None:
    with pytest.raises(RunnerError, match="must be lists of names by host"):
        retry_limits.read_owed_handlers({"owed_handlers": owed}, CONFIG)


def test_the_callback_of_ansible_runner_cannot_run_owed_handlers() -> None:
    content = {"owed_handlers": {"web1": ["restart"]}, "events": "runner"}

    with pytest.raises(RunnerError, match="remove it, and restart the worker"):
        retry_limits.read_owed_handlers(content, CONFIG)


def test_many_hosts_fit_into_one_argument(tmp_path: Path) -> None:
    hosts = [f"host-{number}.example.org" for number in range(10_000)]

    [argument] = retry_limits.arguments(tmp_path, hosts)

    option, _, file = argument.partition("=@")
    assert "--limit" == option
    assert hosts == Path(file).read_text().splitlines()
    assert [] == retry_limits.arguments(tmp_path, None)


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (Plan(RetryScope.ALL), "Runs on all hosts. Owed handlers run only if a task"),
        (Plan(RetryScope.FAILED, ("a", "b")), "Runs on a, b. Owed handlers run only"),
        (Plan(RetryScope.CONTINUE, ("a",)), "Runs on a. No handler is owed."),
        (
            Plan(RetryScope.CONTINUE, ("a", "b"), {"a": ["x", "y"]}),
            "First runs x on a, y on a. Then runs the playbook on a, b.",
        ),
        (
            Plan(RetryScope.CONTINUE, tuple(map(str, range(12)))),
            "Runs on 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more.",
        ),
        (
            Plan(RetryScope.CONTINUE, unknown="its output was deleted"),
            "No handler is owed. It can't be limited to some hosts: its output",
        ),
    ],
)
def test_a_plan_is_a_sentence(plan: Plan, sentence: str) -> None:
    assert sentence in str(plan)
