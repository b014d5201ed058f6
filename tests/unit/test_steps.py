"""How the events of a run become the states of its steps."""

from datetime import timedelta

import pytest

from app.domain.events import (
    Output,
    RunnerEvent,
    RunnerStatus,
    StepState,
)
from app.domain.steps import MAX_MESSAGE, MAX_NAME, MAX_STEPS, Step, Steps, cut, declare
from testing.factories import NOW, make_recap, make_task
from testing.step_states import CHANGED, OK, fold, named, report, states


@pytest.fixture
def steps() -> Steps:
    return Steps(declare(["prepare", "install", "verify"]))


def test_declared_steps_are_pending_in_their_order() -> None:
    assert [
        Step(1, "prepare", declared=True, state=StepState.PENDING),
        Step(2, "verify", declared=True, state=StepState.PENDING),
    ] == declare(["prepare", "verify"])


def test_a_script_moves_its_steps(steps: Steps) -> None:
    places = fold(
        steps,
        report("prepare", "running"),
        report("prepare", "success", "4 packages"),
        report("install", "running"),
        report("install", "failure", "disk full"),
    )

    assert [1, 1, 2, 2] == places
    assert states(steps) == {
        "prepare": "success",
        "install": "failure",
        "verify": "pending",
    }
    prepare = named(steps, "prepare")
    assert "4 packages" == prepare.message
    assert NOW + timedelta(seconds=1) == prepare.started_at
    assert NOW + timedelta(seconds=2) == prepare.finished_at
    assert ["install"] == [step.name for step in steps.failed]


def test_a_step_that_comes_undeclared_is_added_at_the_end(steps: Steps) -> None:
    assert [4, 1] == fold(
        steps, report("extra", "success"), report("prepare", "running")
    )

    assert named(steps, "extra") == Step(
        4,
        "extra",
        declared=False,
        state=StepState.SUCCESS,
        started_at=NOW + timedelta(seconds=1),
        finished_at=NOW + timedelta(seconds=1),
    )


def test_a_repeated_step_runs_again_and_its_failure_can_turn_out_well(
    steps: Steps,
) -> None:
    fold(
        steps,
        report("prepare", "failure", "no network"),
        report("prepare", "running"),
    )
    assert named(steps, "prepare").finished_at is None

    fold(steps, report("prepare", "success"))

    assert "success" == states(steps)["prepare"]
    assert [] == steps.failed


def test_a_step_that_began_never_goes_back_to_pending(steps: Steps) -> None:
    places = fold(steps, report("prepare", "running"), report("prepare", "pending"))

    assert [1, 1] == places
    assert "running" == states(steps)["prepare"]


def test_a_step_that_is_reported_as_pending_has_not_started(steps: Steps) -> None:
    fold(steps, report("prepare", "pending", "waits for the others"))

    prepare = named(steps, "prepare")
    assert StepState.PENDING == prepare.state
    assert prepare.started_at is None
    assert "waits for the others" == prepare.message


def test_a_skipped_step_took_no_time(steps: Steps) -> None:
    fold(steps, report("install", "skipped", "is there already"))

    install = named(steps, "install")
    assert "skipped" == install.state
    assert install.started_at is None
    assert install.finished_at is not None


def test_output_belongs_to_the_step_that_runs(steps: Steps) -> None:
    places = fold(
        steps,
        Output("before"),
        report("prepare", "running"),
        Output("inside"),
        report("prepare", "success"),
        Output("between"),
        report("install", "running"),
        report("verify", "success"),
        Output("inside install"),
    )

    assert [None, 1, 1, 1, None, 2, 3, 2] == places


def test_reading_on_after_a_restart_continues_in_the_same_step(steps: Steps) -> None:
    fold(steps, report("install", "running"))

    resumed = Steps(list(steps))

    assert [2] == fold(resumed, Output("still inside"))


def test_status_lines_change_no_step(steps: Steps) -> None:
    before = list(steps)

    assert [None] == fold(steps, RunnerStatus("running"))

    assert before == list(steps)
    assert [] == steps.take_changed()


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        pytest.param(make_task("prepare | Make folder"), "prepare", id="prefix"),
        pytest.param(make_task("prepare | a | b"), "prepare", id="first-prefix"),
        pytest.param(
            make_task("prepare | Make folder", role="nginx"),
            "prepare",
            id="prefix-before-role",
        ),
        pytest.param(make_task("other | Make folder"), "other", id="undeclared-prefix"),
        pytest.param(make_task("prepare: no separator"), "Deploy", id="no-separator"),
        pytest.param(make_task("Install", role="nginx"), "nginx", id="role"),
        pytest.param(make_task("Install", play="Web"), "Web", id="play"),
        pytest.param(make_task("Install", play=""), "Install", id="neither"),
    ],
)
def test_a_task_belongs_to_prefix_role_or_play(
    steps: Steps, task: RunnerEvent, expected: str
) -> None:
    fold(steps, task)

    assert "running" == states(steps)[expected]


def test_the_next_step_ends_the_one_before(steps: Steps) -> None:
    fold(
        steps,
        make_task("prepare | a"),
        make_task("prepare | a", CHANGED),
        make_task("install | b"),
    )

    assert {"prepare": "success", "install": "running", "verify": "pending"} == states(
        steps
    )


def test_the_recap_ends_the_last_step(steps: Steps) -> None:
    fold(steps, make_task("verify | a"), make_task("verify | a", OK), make_recap())

    assert "success" == states(steps)["verify"]
    assert [None] == fold(steps, Output("after the recap"))


def test_with_serial_a_step_starts_again_for_the_next_hosts(steps: Steps) -> None:
    batch = [make_task("prepare | a"), make_task("install | b")]

    places = fold(steps, *batch, *batch)

    assert [1, 2, 1, 2] == places
    assert {"prepare": "success", "install": "running", "verify": "pending"} == states(
        steps
    )
    assert 3 == len(list(steps))


def test_an_event_without_a_task_belongs_to_the_step_that_runs(steps: Steps) -> None:
    assert [None, 1, 1] == fold(
        steps, make_task(), make_task("prepare | a"), make_task()
    )


def test_long_names_and_messages_are_cut(steps: Steps) -> None:
    fold(
        steps,
        report("n" * 10_000, "running", "m" * 10_000),
        report("n" * 10_000, "success", "m" * 10_000),
    )

    (step,) = [step for step in steps if not step.declared]
    assert "n" * (MAX_NAME - 1) + "…" == step.name
    assert "m" * (MAX_MESSAGE - 1) + "…" == step.message
    assert StepState.SUCCESS == step.state


def test_no_run_gets_more_steps_than_there_may_be() -> None:
    steps = Steps([])

    places = fold(steps, *(report(f"s{n}", "success") for n in range(MAX_STEPS + 5)))

    assert [*range(1, MAX_STEPS + 1), *[None] * 5] == places
    assert MAX_STEPS == len(list(steps))
    assert [None] == fold(steps, make_task("t", play="one more"))


def test_changed_steps_are_taken_once(steps: Steps) -> None:
    fold(steps, report("prepare", "running"), report("prepare", "success"))

    assert [named(steps, "prepare")] == steps.take_changed()
    assert [] == steps.take_changed()


@pytest.mark.parametrize(
    ("well", "running_becomes", "message"),
    [(True, "success", "halfway"), (False, "failure", "the run was killed")],
    ids=["well", "not-well"],
)
def test_the_end_of_the_run_settles_every_step(
    steps: Steps, *, well: bool, running_becomes: str, message: str
) -> None:
    fold(
        steps,
        report("prepare", "success", "done"),
        report("install", "running", "halfway"),
    )

    steps.finish(well=well, reason="the run was killed", at=NOW)

    assert {
        "prepare": "success",
        "install": running_becomes,
        "verify": "skipped",
    } == states(steps)
    assert message == named(steps, "install").message
    assert "done" == named(steps, "prepare").message


@pytest.mark.parametrize(
    ("text", "expected"), [("abc", "abc"), ("abcd", "ab…"), ("", "")]
)
def test_cut_leaves_what_fits(text: str, expected: str) -> None:
    assert expected == cut(text, 3)
