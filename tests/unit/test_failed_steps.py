"""Which step a failed task fails, and what the step then says."""

import time
from dataclasses import replace

import pytest

from app.domain.events import (
    RunnerEvent,
    StepState,
    TaskResult,
)
from app.domain.steps import Steps, declare
from testing.factories import NOW, make_recap, make_task
from testing.step_states import (
    FAILED,
    IGNORED,
    OK,
    UNREACHABLE,
    fold,
    named,
    states,
)


@pytest.fixture
def steps() -> Steps:
    return Steps(declare(["prepare", "install", "verify"]))


def test_a_failed_task_fails_its_step_and_names_the_hosts(steps: Steps) -> None:
    fold(
        steps,
        make_task("install | Unpack"),
        make_task("install | Unpack", FAILED, host="web2"),
        make_task("install | Unpack", OK, host="web1"),
        make_task("install | Unpack", UNREACHABLE, host="web3"),
        make_recap("web2", "web3"),
    )

    install = named(steps, "install")
    assert StepState.FAILURE == install.state
    assert ("web2", "web3") == install.failed_hosts
    assert "install | Unpack: unreachable on web3" == install.message


def test_a_failure_of_several_hosts_says_how_many(steps: Steps) -> None:
    others = [make_task("install | Unpack", FAILED, host=f"web{n}") for n in range(99)]
    earlier = make_task("install | Download", FAILED, host="db1")

    fold(steps, earlier, *others)
    resumed = Steps(steps)
    last = replace(make_task("install | Unpack", FAILED, host="web99"), message="boom")
    fold(resumed, last, last)

    assert "install | Unpack: failed on 99 hosts" == named(steps, "install").message
    assert "install | Unpack: failed on 100 hosts: boom" == (
        named(resumed, "install").message
    )


def test_a_message_has_no_escape_sequences(steps: Steps) -> None:
    told = "\x1b[31mno \x1b[1mspace\x1b[0m"

    fold(steps, replace(make_task("install | a", FAILED), message=told))

    assert "install | a: failed on web1: no space" == named(steps, "install").message


def test_a_host_that_fails_twice_is_named_once(steps: Steps) -> None:
    failure = make_task("install | Unpack", FAILED, host="web2")

    fold(steps, failure, make_task("install | Unpack", FAILED, host="web1"), failure)

    assert ("web1", "web2") == named(steps, "install").failed_hosts


def test_an_ignored_failure_fails_nothing(steps: Steps) -> None:
    fold(
        steps,
        make_task("install | Unpack"),
        make_task("install | Unpack", IGNORED),
        make_recap(),
    )

    assert "success" == states(steps)["install"]


def test_a_rescued_failure_turns_out_well_and_says_so(steps: Steps) -> None:
    fold(
        steps,
        make_task("install | Unpack"),
        make_task("install | Unpack", FAILED),
        make_task("install | Clean up", OK),
        make_recap(),
    )

    install = named(steps, "install")
    assert StepState.SUCCESS == install.state
    assert () == install.failed_hosts
    assert "install | Unpack: failed on web1 (rescued)" == install.message


def test_a_host_that_was_rescued_first_fails_for_good_in_its_last_step(
    steps: Steps,
) -> None:
    fold(
        steps,
        make_task("prepare | a", FAILED),
        make_task("install | b", FAILED),
        make_recap("web1"),
    )

    assert {"prepare": "success", "install": "failure", "verify": "pending"} == states(
        steps
    )


def test_one_host_is_rescued_and_another_is_not(steps: Steps) -> None:
    fold(
        steps,
        make_task("install | b", FAILED, host="web1"),
        make_task("install | b", FAILED, host="web2"),
        make_recap("web2"),
    )

    install = named(steps, "install")
    assert StepState.FAILURE == install.state
    assert ("web2",) == install.failed_hosts


def test_a_failed_step_stays_in_failure_while_other_hosts_go_on(steps: Steps) -> None:
    fold(
        steps,
        make_task("install | b", FAILED, host="web1"),
        make_task("install | c"),
        make_task("install | c", OK, host="web2"),
        make_task("verify | d"),
    )

    assert "failure" == states(steps)["install"]
    assert "running" == states(steps)["verify"]


def test_with_serial_a_failure_of_the_first_hosts_is_kept(steps: Steps) -> None:
    fold(
        steps,
        make_task("prepare | a", FAILED, host="web1"),
        make_task("prepare | a"),
        make_task("prepare | a", OK, host="web2"),
        make_recap("web1"),
    )

    assert "failure" == states(steps)["prepare"]


def test_a_recap_speaks_of_its_own_playbook_alone(steps: Steps) -> None:
    begin = RunnerEvent("playbook_on_start", None, "", "", "", "", None, "", "{}")

    fold(
        steps,
        make_task("prepare | a", FAILED),
        make_recap("web1"),
        begin,
        make_task("install | b"),
        make_recap(),
    )

    assert {"prepare": "failure", "install": "success", "verify": "pending"} == states(
        steps
    )


def test_a_step_in_failure_says_why(steps: Steps) -> None:
    fold(steps, replace(make_task("install | a", FAILED), message="no space left"))

    assert "install | a: failed on web1: no space left" == (
        named(steps, "install").message
    )


def test_the_time_for_failed_hosts_grows_with_their_number() -> None:
    """Linear is 4; it was 16, and 40,000 hosts took two minutes."""

    def seconds(count: int) -> float:
        steps = Steps(declare(["Deploy"]))
        tasks = [make_task("T", TaskResult.FAILED, host=str(n)) for n in range(count)]
        begin = time.process_time()
        for task in tasks:
            steps.apply(task, NOW)
        assert count == len(next(iter(steps)).failed_hosts)
        return time.process_time() - begin

    assert seconds(12_000) < 9 * min(seconds(3_000) for _ in range(3))
