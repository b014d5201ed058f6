"""The summary of failures on the page of a deployment."""

from app.domain.events import TaskResult
from app.settings import Settings
from app.store.store import Store
from app.usecases import failures
from testing.factories import (
    begins,
    ends,
    make_runner_line,
    make_step_line,
    recaps,
)
from testing.result_runs import ALL, run


def test_a_failure_is_summed_up_with_the_last_time_that_it_passed(
    store: Store, settings: Settings
) -> None:
    well = run(store, settings, begins("t"), ends("t", "a"), exit_code=0)
    run(store, settings, begins("t"), ends("t", "a", TaskResult.FAILED), exit_code=2)
    stats = recaps(failures={"a": 1})
    view = run(store, settings, begins("t"), ends("t", "b"),
               ends("t", "a", TaskResult.FAILED), stats, exit_code=2)  # fmt: skip

    found = failures.look(store, view)

    (failure,) = found.found
    assert 2 == found.look_back
    assert ("a", "t", "t failed a") == (
        failure.host, failure.task, failure.message,
    )  # fmt: skip
    assert well.deployment.id == failure.passed
    assert failure.number in [event.number for event in failure.lines]
    assert failure.number == failure.result


def test_a_failure_is_shown_among_lines_however_many_hosts_began_before_it(
    store: Store, settings: Settings
) -> None:
    said = b"about to ask every host"
    starts = make_runner_line(event="runner_on_start", stdout="")
    view = run(store, settings, begins("t"), said, *[starts] * 20,
               ends("t", "a", TaskResult.FAILED), exit_code=2)  # fmt: skip

    (failure,) = failures.look(store, view).found

    assert said.decode() in [event.text for event in failure.lines]


def test_many_failures_are_summed_up_by_the_first(
    store: Store, settings: Settings
) -> None:
    ended = [ends("t", f"h{n}", TaskResult.FAILED) for n in range(9)]
    view = run(store, settings, begins("t"), *ended)

    found = failures.look(store, view)

    assert (failures.MAX_FAILURES, 9 - failures.MAX_FAILURES) == (
        len(found.found), found.more,
    )  # fmt: skip


def test_the_failure_of_a_script_is_the_step_that_it_reported(
    store: Store, settings: Settings
) -> None:
    report = [make_step_line("prepare", state) for state in ("running", "success")]
    well = run(store, settings, *report, exit_code=0)
    view = run(store, settings, make_step_line("prepare"), b"no room left",
               make_step_line("prepare", "failure"), b"bye", exit_code=1)  # fmt: skip

    (failure,) = failures.look(store, view).found

    assert ("", "prepare", well.deployment.id) == (
        failure.host, failure.step, failure.passed,
    )  # fmt: skip
    assert "no room left" in [event.text for event in failure.lines]


def test_a_run_that_failed_in_no_step_shows_its_last_lines(
    store: Store, settings: Settings
) -> None:
    view = run(store, settings, b"one", b"no such file", exit_code=127)

    found = failures.look(store, view)

    (failure,) = found.found
    assert 0 == found.look_back
    assert ("", "") == (failure.host, failure.step)
    assert "no such file" in [event.text for event in failure.lines]
    assert "exit code 127" in failure.message


def test_what_went_well_has_no_failures(store: Store, settings: Settings) -> None:
    view = run(store, settings, *ALL[:1], exit_code=0)

    assert () == failures.look(store, view).found
