"""The states of a deployment, and how the end of a run is judged."""

import pytest

from app.domain.deployment import (
    ACTIVE,
    ENDED,
    TRANSITIONS,
    Outcome,
    Status,
    allow,
    describe_exit,
    judge,
)
from app.domain.events import StepState
from app.domain.steps import Step
from app.errors import Conflict

ALLOWED = {
    ("queued", "starting"),
    ("queued", "canceled"),
    ("queued", "failed"),
    ("starting", "running"),
    ("starting", "failed"),
    ("starting", "canceled"),
    ("running", "successful"),
    ("running", "failed"),
    ("running", "canceled"),
    ("running", "timeout"),
}


@pytest.mark.parametrize("then", Status, ids=lambda then: f"to-{then}")
@pytest.mark.parametrize("now", Status, ids=lambda now: f"from-{now}")
def test_a_status_follows_the_table(now: Status, then: Status) -> None:
    if (now.value, then.value) in ALLOWED:
        allow(now, then)
    else:
        with pytest.raises(Conflict, match=f"that is {now} can't become {then}"):
            allow(now, then)


def test_every_status_is_active_or_ended_and_only_the_ended_go_nowhere() -> None:
    assert set(Status) == ACTIVE | ENDED
    assert not ACTIVE & ENDED
    assert {status for status, then in TRANSITIONS.items() if not then} == ENDED


def failure(name: str, message: str = "") -> Step:
    return Step(1, name, declared=True, state=StepState.FAILURE, message=message)


@pytest.mark.parametrize(
    ("exit_code", "failed", "last_output", "expected"),
    [
        pytest.param(0, [], "all done", Outcome(Status.SUCCESSFUL, ""), id="went-well"),
        pytest.param(
            0,
            [failure("prepare"), failure("verify")],
            "",
            Outcome(Status.FAILED, "step in failure: prepare, verify (exit code 0)"),
            id="exit-code-0-with-failed-steps",
        ),
        pytest.param(
            3, [], "", Outcome(Status.FAILED, "exit code 3"), id="silent-failure"
        ),
        pytest.param(
            3,
            [],
            "no space left",
            Outcome(Status.FAILED, "exit code 3: no space left"),
            id="failure-after-successful-steps",
        ),
        pytest.param(
            2,
            [failure("prepare", "first"), failure("verify", "no answer")],
            "not quoted",
            Outcome(Status.FAILED, "exit code 2 in step verify: no answer"),
            id="the-last-failed-step-tells-why",
        ),
        pytest.param(
            2,
            [failure("verify")],
            "not quoted",
            Outcome(Status.FAILED, "exit code 2 in step verify"),
            id="failed-step-without-message",
        ),
        pytest.param(
            137,
            [],
            "",
            Outcome(Status.FAILED, "exit code 137 (killed by SIGKILL)"),
            id="killed",
        ),
    ],
)
def test_a_run_is_judged_by_exit_code_and_steps(
    exit_code: int, failed: list[Step], last_output: str, expected: Outcome
) -> None:
    assert expected == judge(exit_code, failed, last_output)


@pytest.mark.parametrize(
    ("exit_code", "expected"),
    [
        (1, "exit code 1"),
        (128, "exit code 128"),
        (143, "exit code 143 (killed by SIGTERM)"),
        (255, "exit code 255"),
    ],
)
def test_an_exit_code_is_described(exit_code: int, expected: str) -> None:
    assert expected == describe_exit(exit_code)
