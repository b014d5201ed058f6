"""Canceling: what it does to a deployment that waits, runs or has ended."""

import fcntl
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from app import bootstrap
from app.domain.deployment import Deployment, Outcome, Status
from app.domain.events import EventKind, StepState
from app.errors import Conflict, NotFound
from app.project_folder import without_credentials
from app.runner.masking import Masker
from app.settings import Settings
from app.store import events
from app.store.store import Store
from app.usecases import deploy, record
from app.worker.deployment_runner import DeploymentRunner
from app.worker.journal_follower import Follower
from app.worker.run import Run, run_of
from app.worker.run_processes import RunProcesses
from app.worker.termination import Termination, noted
from testing.cancellations import SOMEBODY, cancel, outcome_of
from testing.factories import ROOT, request_deployment, start_deployment

CANCELED = Outcome(Status.CANCELED, f"canceled by {ROOT.name}")


def count_jobs(store: Store) -> int:
    with store.begin() as db:
        query = text("SELECT count(*) FROM procrastinate_jobs")
        found: int = db.execute(query).scalar_one()
    return found


# A deployment that waits


def test_one_that_waits_is_canceled_at_once_with_its_job(
    store: Store, settings: Settings
) -> None:
    number = request_deployment(store, settings)

    canceled = cancel(store, settings, number)

    assert CANCELED == outcome_of(canceled)
    assert (None, None) == (canceled.started_at, canceled.exit_code)
    assert canceled.finished_at is not None
    assert ROOT.name == canceled.cancel_requested_by
    assert {StepState.SKIPPED} == {
        step.state for step in deploy.view(store, number).steps
    }
    with store.begin() as db:
        found = events.read(db, number)
    assert [(1, EventKind.QUEUED), (2, EventKind.FINISHED)] == [
        (event.number, event.kind) for event in found
    ]
    assert 0 == count_jobs(store)


def test_those_behind_it_move_up(store: Store, settings: Settings) -> None:
    first, second = (request_deployment(store, settings) for _ in range(2))

    cancel(store, settings, first)

    assert 0 == deploy.view(store, second).ahead
    assert 1 == count_jobs(store)


def test_a_worker_that_had_taken_its_job_leaves_it_alone(
    store: Store, settings: Settings
) -> None:
    number = request_deployment(store, settings)
    canceled = cancel(store, settings, number)

    run(store, settings, number)

    assert canceled == deploy.find(store, number)
    assert not run_of(settings, number).begun


# A started deployment


def test_one_that_has_not_been_launched_yet_never_is(
    store: Store, settings: Settings
) -> None:
    """Its worker ended after it had taken the job and before it started the run."""
    number = request_deployment(store, settings)
    record.mark_starting(store, number, settings.node)

    asked = cancel(store, settings, number)
    run(store, settings, number)

    assert Status.STARTING is asked.status
    assert CANCELED == outcome_of(deploy.find(store, number))
    assert not run_of(settings, number).journal.exists()


def run(store: Store, settings: Settings, number: int) -> None:
    secret_box = bootstrap.make_secret_box(settings)
    DeploymentRunner(
        store, settings, secret_box, threading.Event(), without_credentials
    ).run(number)


def test_one_that_runs_goes_on_until_its_worker_ends_it(
    store: Store, settings: Settings
) -> None:
    number = start_deployment(store, settings).id

    asked = cancel(store, settings, number)
    again = cancel(store, settings, number, SOMEBODY)

    assert (Status.RUNNING, ROOT.name) == (asked.status, asked.cancel_requested_by)
    assert asked == again
    with store.begin() as db:
        assert [EventKind.QUEUED, EventKind.STARTED] == [
            event.kind for event in events.read(db, number)
        ]


def test_one_that_ended_in_the_same_moment_is_judged_as_it_ended(
    store: Store, settings: Settings
) -> None:
    """It left its exit code after the follower had looked, and before any signal."""
    deployment = start_deployment(store, settings)
    run = make_run(settings, deployment)
    cancel(store, settings, deployment.id)

    def end(outcome: Outcome) -> Termination:
        (run.folder / "rc").write_text("0\n")
        return Termination(settings, run, outcome)

    with (run.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        processes = RunProcesses(settings, run)
        ended = Follower(
            store, run, deployment, Masker(()), threading.Event(), end=end,
            processes=processes,
        ).follow()  # fmt: skip

    assert CANCELED == noted(run)
    assert (0, None) == ended


def make_run(settings: Settings, deployment: Deployment) -> Run:
    """The folder of a run that goes on, as far as one can see."""
    run = run_of(settings, deployment.id)
    run.folder.mkdir(parents=True)
    run.journal.touch()
    (run.folder / "pid").write_text(f"{2**22 + 1}\n")
    return run


def test_a_note_that_was_cut_off_is_none(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / "ending").write_text('{"status": "canc')

    assert noted(run) is None


def test_a_helper_that_refuses_leaves_the_run_to_itself(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    """Its journal is recorded to the end, and its own exit code counts."""
    helper = tmp_path / "helper"
    helper.write_text("#!/bin/sh\necho 'no such thing' >&2\nexit 2\n")
    helper.chmod(0o755)
    deployment = start_deployment(store, settings)
    run = make_run(settings, deployment)
    run.journal.write_text("one\ntwo\n")
    asked = settings.model_copy(update={"stop_helper": helper})

    ending = Termination(asked, run, CANCELED)
    ending.press_on()
    (run.folder / "rc").write_text("0\n")

    assert ending.nothing_left()
    assert ending.outcome is None


# One that has ended


@pytest.mark.parametrize("exit_code", [0, 3])
def test_one_that_has_ended_is_a_conflict(
    store: Store, settings: Settings, exit_code: int
) -> None:
    number = start_deployment(store, settings).id
    record.finish(store, number, exit_code)
    was = deploy.view(store, number).steps, deploy.find(store, number)

    with pytest.raises(Conflict, match="has ended already"):
        cancel(store, settings, number)

    assert was == (deploy.view(store, number).steps, deploy.find(store, number))


def test_a_second_cancel_of_what_waited_is_a_conflict(
    store: Store, settings: Settings
) -> None:
    number = request_deployment(store, settings)
    canceled = cancel(store, settings, number)

    with pytest.raises(Conflict, match="has ended already: canceled"):
        cancel(store, settings, number, SOMEBODY)

    assert canceled == deploy.find(store, number)


def test_what_is_not_there_is_said(store: Store, settings: Settings) -> None:
    with pytest.raises(NotFound, match="there is no deployment 42"):
        cancel(store, settings, 42)
