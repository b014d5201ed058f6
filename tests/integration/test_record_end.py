"""The end of a deployment: its outcome, recorded once, and what goes with it."""

import pytest

from app import bootstrap
from app.domain.deployment import Status
from app.domain.events import EventKind, StepState
from app.errors import Conflict
from app.settings import Settings
from app.store import deployments
from app.store.events import Occurrence
from app.store.store import Store
from app.usecases import deploy, record
from app.usecases.record import Place
from app.worker.translate import translate
from testing.factories import (
    NOW,
    make_schema,
    make_service,
    make_step_line,
    request_deployment,
    start_deployment,
)
from testing.recording import kinds, take_in


def test_after_the_end_nothing_more_is_recorded(
    store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    record.finish(store, running.id, 0)
    ended = deploy.find(store, running.id)

    with pytest.raises(Conflict):
        record.record(
            store,
            running.id,
            was=Place(0, ended.last_event),
            offset=9,
            batch=[Occurrence(NOW, translate(b"late"))],
            changed=(),
        )

    assert ended == deploy.find(store, running.id)


def test_a_run_that_went_well_is_successful(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)
    take_in(store, running.id, make_step_line("prepare"))

    record.finish(store, running.id, 0)

    view = deploy.view(store, running.id)
    assert (Status.SUCCESSFUL, 0, "") == (
        view.deployment.status,
        view.deployment.exit_code,
        view.deployment.reason,
    )
    assert view.deployment.finished_at is not None
    assert ["success", "skipped"] == [step.state.value for step in view.steps]
    assert EventKind.FINISHED == kinds(store, running.id)[-1]
    assert 1.0 == view.progress.fraction


def test_exit_code_3_after_successful_steps_is_failed(
    store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    take_in(
        store,
        running.id,
        make_step_line("prepare", "success"),
        make_step_line("verify", "success"),
        b"disk full",
    )

    record.finish(store, running.id, 3)

    ended = deploy.view(store, running.id)
    assert Status.FAILED == ended.deployment.status
    assert (3, "exit code 3: disk full") == (
        ended.deployment.exit_code,
        ended.deployment.reason,
    )
    assert ["success", "success"] == [step.state.value for step in ended.steps]


def test_the_step_in_which_a_run_was_killed_says_so(
    store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    take_in(store, running.id, make_step_line("prepare"))

    record.finish(store, running.id, 137)

    (prepare, _) = deploy.view(store, running.id).steps
    assert StepState.FAILURE == prepare.state
    assert "SIGKILL" in prepare.message


def test_the_end_is_recorded_once(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)
    record.finish(store, running.id, 0)
    ended = deploy.find(store, running.id)

    record.finish(store, running.id, 1)
    record.fail(store, running.id, "vanished")

    assert ended == deploy.find(store, running.id)
    assert 1 == kinds(store, running.id).count(EventKind.FINISHED)


def test_a_launch_that_failed_says_why(store: Store, settings: Settings) -> None:
    deployment_id = request_deployment(store, settings)
    record.mark_starting(store, deployment_id, "one")

    record.fail(store, deployment_id, "deploy.py is missing")

    view = deploy.view(store, deployment_id)
    assert (Status.FAILED, "deploy.py is missing", None) == (
        view.deployment.status,
        view.deployment.reason,
        view.deployment.exit_code,
    )
    assert {"skipped"} == {step.state.value for step in view.steps}


def test_encrypted_secrets_are_deleted_at_the_end(
    store: Store, settings: Settings
) -> None:
    service = make_service(variables=make_schema(secret="token"))
    deployment_id = request_deployment(
        store, settings, service, given={"token": "hunter2"}
    )
    begun = record.mark_starting(store, deployment_id, "one")
    assert {"token": "hunter2"} == bootstrap.make_secret_box(settings).open(
        begun.secrets
    )
    record.mark_running(store, begun.deployment)

    record.finish(store, deployment_id, 0)

    with store.begin() as db:
        ended = deployments.lock(db, deployment_id)
    assert ended is not None
    assert ended.secrets is None
