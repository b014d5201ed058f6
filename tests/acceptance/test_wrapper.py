"""A run whose wrapper is killed or stopped: it ends, and the record says how."""

import os
import shutil

import psutil
import pytest

from app.domain.deployment import Status
from app.worker.deployment_runner import VANISHED
from app.worker.journal_follower import ORPHANED
from testing.installation import Installation
from testing.numbered import journal_grows, start_numbered
from testing.processes import living
from testing.runs import cancel, canceled, left, release, start_script
from testing.scripts import SLEEPS
from testing.waiting import eventually

#: More lines than a batch has, then nothing.
MANY = """#!/bin/sh
seq 5000
echo -n end
exec sleep 600
"""


def wrapper(made: Installation, number: int) -> psutil.Process:
    pid = eventually((made.run_folder(number) / "pid").read_text)
    return psutil.Process(int(pid))


def assert_ended_without_wrapper(made: Installation, number: int) -> None:
    ended = made.ended(number)
    assert (Status.FAILED, None, ORPHANED.reason) == (
        ended.status, ended.exit_code, ended.reason
    )  # fmt: skip
    assert [] == left(made, number)
    assert [] == list(made.config_folder.iterdir())
    assert f"failed: {ORPHANED.reason}" == made.events(number)[-1].text
    journal = (made.run_folder(number) / "journal").read_bytes()
    assert journal == made.output(number)


# The wrapper is killed


def test_what_a_killed_wrapper_leaves_is_ended_before_the_next_deployment(
    installation: Installation,
) -> None:
    installation.worker()
    number = start_numbered(installation)
    following = installation.launch("numbered")

    wrapper(installation, number).kill()
    assert_ended_without_wrapper(installation, number)
    release(installation)

    first, second = (installation.ended(n) for n in (number, following))
    assert Status.SUCCESSFUL is second.status
    assert first.finished_at is not None
    assert second.started_at is not None
    assert first.finished_at <= second.started_at


def test_a_wrapper_that_is_killed_while_no_worker_runs_is_noticed_by_the_next(
    installation: Installation,
) -> None:
    worker = installation.worker()
    number = start_numbered(installation)

    worker.kill()
    wrapper(installation, number).kill()
    journal_grows(installation, number)
    installation.worker()

    assert_ended_without_wrapper(installation, number)


def test_every_line_of_a_run_that_vanished_is_recorded(
    installation: Installation,
) -> None:
    """Also those that no worker had read, and one without a newline."""
    installation.write_service("many", MANY)
    worker = installation.worker()
    number = installation.launch("many")
    eventually(lambda: installation.status(number) is Status.RUNNING)
    worker.kill()
    journal = installation.run_folder(number) / "journal"
    eventually(lambda: journal.read_bytes().endswith(b"end"))
    installation.kill_run(number)

    installation.worker()

    assert VANISHED == installation.ended(number).reason
    lines = [str(n) for n in range(1, 5001)]
    assert [*lines, "end"] == installation.lines(number)


def test_a_run_whose_folder_was_removed_is_ended(installation: Installation) -> None:
    worker = installation.worker()
    number = start_script(installation, "sleeps", SLEEPS)
    worker.kill()
    shutil.rmtree(installation.run_folder(number))
    assert [] != left(installation, number)

    installation.worker()

    assert VANISHED == installation.ended(number).reason
    assert [] == left(installation, number)


# The wrapper is stopped


def test_a_run_with_a_stopped_wrapper_is_canceled(installation: Installation) -> None:
    installation.worker()
    number = start_script(installation, "sleeps", SLEEPS)

    wrapper(installation, number).suspend()
    cancel(installation, number)

    assert 130 == canceled(installation, number).exit_code


def test_a_run_with_a_stopped_wrapper_has_no_more_time_than_its_limit(
    installation: Installation,
) -> None:
    installation.worker()
    number = start_script(installation, "sleeps", SLEEPS, timeout=10)

    wrapper(installation, number).suspend()
    ended = installation.ended(number)

    assert (Status.TIMEOUT, 130) == (ended.status, ended.exit_code)
    assert [] == left(installation, number)


def test_what_was_stopped_with_its_wrapper_continues_and_is_ended(
    installation: Installation,
) -> None:
    installation.worker()
    number = start_script(installation, "sleeps", SLEEPS)
    for process in installation.run_processes(number):
        process.suspend()

    cancel(installation, number)

    # Not 137: it got the signal that lets it clean up.
    assert 130 == canceled(installation, number).exit_code


def test_a_run_that_ended_under_a_stopped_wrapper_keeps_its_outcome(
    installation: Installation,
) -> None:
    installation.worker()
    number = start_numbered(installation)
    stopped = wrapper(installation, number)
    stopped.suspend()
    release(installation)
    eventually(lambda: all_ended(stopped))

    cancel(installation, number)
    ended = installation.ended(number)

    assert (Status.SUCCESSFUL, 0, "") == (ended.status, ended.exit_code, ended.reason)


def all_ended(parent: psutil.Process) -> bool:
    return not living(lambda process: process.ppid() == parent.pid)


def test_a_wrapper_that_is_stopped_behind_the_exit_code_holds_nothing_up(
    installation: Installation,
) -> None:
    worker = installation.worker()
    number = start_numbered(installation)
    stopped = wrapper(installation, number)
    stopped.suspend()
    (installation.run_folder(number) / "rc").write_text("0\n")

    installation.ended(number)

    eventually(lambda: "deployment.ended" in worker.log)
    eventually(lambda: not stopped.is_running())


# The wrapper hangs


@pytest.mark.slow
def test_a_wrapper_that_hangs_is_killed_when_nothing_else_is_left(
    installation: Installation,
) -> None:
    installation.worker()
    number = start_script(installation, "sleeps", SLEEPS)
    # The wrapper writes into this file before it writes the exit code.
    os.mkfifo(installation.run_folder(number) / "room")

    cancel(installation, number)

    assert canceled(installation, number).exit_code is None
