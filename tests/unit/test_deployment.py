"""The states of a deployment, and how the end of a run is judged."""

import pytest

from app.domain.deployment import (
    ACTIVE,
    ENDED,
    TRANSITIONS,
    Outcome,
    RunEnd,
    Status,
    allow,
    describe_exit,
    judge,
)
from app.domain.events import StepState
from app.domain.steps import Step
from app.errors import Conflict

ALLOWED = {
    ("waiting-for-approval", "queued"),
    ("waiting-for-approval", "canceled"),
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


FAILED, SUCCESSFUL = Status.FAILED, Status.SUCCESSFUL


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param(
            RunEnd(exit_code=0, last_output="all done"),
            Outcome(SUCCESSFUL, ""),
            id="went-well",
        ),
        pytest.param(
            RunEnd(exit_code=0, failed_steps=[failure("prepare"), failure("verify")]),
            Outcome(FAILED, "step in failure: prepare, verify (exit code 0)"),
            id="script-with-exit-code-0-and-failed-steps",
        ),
        pytest.param(
            RunEnd(exit_code=0, playbook=True, failed_steps=[failure("prepare")]),
            Outcome(SUCCESSFUL, ""),
            id="playbook-with-exit-code-0-and-failed-steps",
        ),
        pytest.param(
            RunEnd(exit_code=0, playbook=True, unmatched=["wbe", "db"]),
            Outcome(FAILED, "no host matched, nothing was run (hosts: wbe; db)"),
            id="no-host-matched",
        ),
        pytest.param(
            RunEnd(exit_code=0, playbook=True, unmatched=["all"], inventory="none.yml"),
            Outcome(FAILED, "the inventory none.yml has no hosts, nothing was run"),
            id="inventory-without-hosts",
        ),
        pytest.param(
            RunEnd(exit_code=0, playbook=True, unmatched=["web"], inventory="h.yml"),
            Outcome(FAILED, "no host matched, nothing was run (hosts: web)"),
            id="pattern-without-hosts",
        ),
        pytest.param(
            RunEnd(exit_code=0, playbook=True, unmatched=[]),
            Outcome(FAILED, "no host matched, nothing was run"),
            id="no-host-matched-a-play-without-a-pattern",
        ),
        pytest.param(
            RunEnd(exit_code=3), Outcome(FAILED, "exit code 3"), id="silent-failure"
        ),
        pytest.param(
            RunEnd(exit_code=3, last_output="no space left"),
            Outcome(FAILED, "exit code 3: no space left"),
            id="failure-after-successful-steps",
        ),
        pytest.param(
            RunEnd(
                exit_code=2,
                failed_steps=[
                    failure("prepare", "first"),
                    failure("verify", "no answer"),
                ],
                last_output="not quoted",
            ),
            Outcome(FAILED, "exit code 2 in step verify: no answer"),
            id="the-last-failed-step-tells-why",
        ),
        pytest.param(
            RunEnd(
                exit_code=2, failed_steps=[failure("verify")], last_output="not quoted"
            ),
            Outcome(FAILED, "exit code 2 in step verify"),
            id="failed-step-without-message",
        ),
        pytest.param(
            RunEnd(exit_code=4, playbook=True, error="no such role (site.yml:3:1)",
                   last_output="not quoted"),
            Outcome(FAILED, "exit code 4: no such role (site.yml:3:1)"),
            id="ansible-ended-before-the-first-task",
        ),
        pytest.param(
            RunEnd(exit_code=1, playbook=True, error="no such handler",
                   ended_in="publish", failed_steps=[failure("prepare", "earlier")]),
            Outcome(FAILED, "exit code 1 in step publish: no such handler"),
            id="ansible-ended-in-a-step",
        ),
        pytest.param(
            RunEnd(exit_code=1, failed_steps=[failure("a", "\x1b[31mred\x1b[0m")]),
            Outcome(FAILED, "exit code 1 in step a: red"),
            id="without-escape-sequences",
        ),
        pytest.param(
            RunEnd(exit_code=137),
            Outcome(FAILED, "exit code 137 (killed by SIGKILL)"),
            id="killed",
        ),
    ],
)  # fmt: skip
def test_a_run_is_judged_by_what_is_known_of_its_end(
    end: RunEnd, expected: Outcome
) -> None:
    assert expected == judge(end)


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
