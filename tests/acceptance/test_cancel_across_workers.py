"""A cancellation goes on when its worker is gone, and is done only once."""

from app.domain.deployment import Status
from testing.installation import ACTOR, Installation
from testing.runs import (
    cancel,
    canceled,
    release,
    start_script,
    worker_that_cancels,
)
from testing.scripts import DEAF, SLEEPS
from testing.sleeping import (
    sleepers,
)
from testing.waiting import eventually

#: Ends at the second SIGINT.
HARD_OF_HEARING = """#!/bin/sh
trap 'told="${told}x"; echo told $told; [ $told = x ] || exit 7' INT
echo begun
while :; do sleep 0.05; done
"""


def test_asking_twice_is_asking_once(installation: Installation) -> None:
    installation.worker()
    number = start_script(installation, "twice", DEAF)

    cancel(installation, number)
    eventually(lambda: b"told" in installation.output(number))
    asked = installation.view(number).deployment.cancel_requested_by
    cancel(installation, number)
    release(installation, "twice")

    canceled(installation, number)
    assert ACTOR.name == asked
    assert 1 == installation.output(number).count(b"told")


def test_it_is_done_when_a_worker_is_back(installation: Installation) -> None:
    worker = installation.worker()
    number = start_script(installation, "later", SLEEPS)
    worker.kill()

    cancel(installation, number)
    assert Status.RUNNING is installation.status(number)
    assert ["sleep 600"] == sleepers(installation, number)
    installation.worker()

    canceled(installation, number)


def test_a_run_that_succeeded_before_the_first_signal_stays_successful(
    installation: Installation,
) -> None:
    worker = installation.worker()
    number = start_script(installation, "faster", DEAF)
    worker.kill()
    release(installation, "faster")
    eventually((installation.run_folder(number) / "rc").exists)

    cancel(installation, number)
    installation.worker()
    ended = installation.ended(number)

    assert (Status.SUCCESSFUL, 0, "") == (ended.status, ended.exit_code, ended.reason)


def test_the_next_worker_goes_on_with_it(installation: Installation) -> None:
    worker = worker_that_cancels(installation, HARD_OF_HEARING)
    worker.kill()
    installation.worker()

    ended = canceled(installation, 1)

    assert 7 == ended.exit_code
    assert ["begun", "told x", "told xx"] == installation.lines(1)


def test_it_was_canceled_though_nobody_saw_it_end(installation: Installation) -> None:
    worker = worker_that_cancels(installation, DEAF)
    worker.kill()
    release(installation, "signaled")
    eventually((installation.run_folder(1) / "rc").exists)
    installation.worker()

    ended = canceled(installation, 1)

    assert 0 == ended.exit_code
    assert (installation.run_folder(1) / "ending").exists()
