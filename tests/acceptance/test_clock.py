"""A moved clock: time limits and durations don't depend on it."""

from pathlib import Path

import pytest

from app.domain.deployment import Status
from app.domain.duration import seconds_between
from app.usecases import trends
from testing.installation import Installation
from testing.moved_clock import MovedClock
from testing.numbered import grows, start_numbered
from testing.processes import Process
from testing.runs import left, release
from testing.scripts import NUMBERED, SLEEPS
from testing.waiting import eventually

MOVES = pytest.mark.parametrize("move", ["+2h", "-2h"])
#: Names its steps, each of which lasts until a file lies beside it.
STEPPED = """#!/bin/sh
for step in one two; do
    echo '{"name": "'$step'", "state": "running"}'
    until [ -e "${0%/*}/$step" ]; do sleep 0.05; done
    echo '{"name": "'$step'", "state": "success"}'
done
"""


class Clock(MovedClock):
    """A clock for workers."""

    def start_worker(self, made: Installation) -> Process:
        return made.worker(**self.variables)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@MOVES
def test_a_moved_clock_ends_no_run_and_makes_no_duration_wrong(
    installation: Installation, clock: Clock, move: str
) -> None:
    clock.start_worker(installation)
    folder = installation.write_service("stepped", STEPPED, timeout=3600)
    number = installation.launch("stepped")
    eventually(lambda: installation.states(number).get("one") == "running")

    clock.move(move)
    (folder / "one").touch()
    eventually(lambda: installation.states(number).get("two") == "running")
    (folder / "two").touch()
    ended = installation.ended(number)

    assert (Status.SUCCESSFUL, "") == (ended.status, ended.reason)
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert ended.started_at < ended.finished_at
    assert seconds_between(ended.started_at, ended.finished_at) < 300
    (run,) = trends.look(installation.store, "stepped").runs
    assert 0 < (run.seconds or 0) < 300
    for step in installation.view(number).steps:
        assert 0 < (step.seconds or 0) < 300
    times = [event.at for event in installation.events(number)[1:]]
    assert sorted(times) == times


@MOVES
def test_a_run_has_as_long_as_its_service_says_whatever_the_clock_says(
    installation: Installation, clock: Clock, move: str
) -> None:
    clock.start_worker(installation)
    installation.write_service("slow", SLEEPS, timeout=4)
    number = installation.launch("slow")
    eventually(lambda: installation.output(number))

    clock.move(move)
    ended = installation.ended(number)

    assert Status.TIMEOUT is ended.status
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert seconds_between(ended.started_at, ended.finished_at) > 3
    assert [] == left(installation, number)


def test_a_clock_that_was_moved_between_two_workers_ends_no_run(
    installation: Installation, clock: Clock
) -> None:
    worker = clock.start_worker(installation)
    installation.write_service("numbered", NUMBERED, timeout=3600)
    number = start_numbered(installation)
    worker.kill()

    clock.move("+2h")
    clock.start_worker(installation)
    grows(installation, number)
    release(installation)
    ended = installation.ended(number)

    assert Status.SUCCESSFUL is ended.status
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert seconds_between(ended.started_at, ended.finished_at) < 300
