"""Recording a run: each piece of its journal once, and its end once."""

import threading
from datetime import timedelta

import psycopg
import pytest

from app import bootstrap
from app.domain.deployment import Status
from app.domain.events import EventKind, StepState
from app.domain.steps import Step
from app.errors import Conflict, NotFound
from app.settings import Settings
from app.store import deployment_steps, deployments, events
from app.store.events import CHANNEL, Occurrence
from app.store.store import Store
from app.usecases import deploy, record
from app.usecases.record import Place
from app.worker.translate import translate
from testing.factories import (
    NOW,
    make_schema,
    make_service,
    make_step_line,
    print_lines,
    request_deployment,
    start_deployment,
)


def texts(store: Store, deployment_id: int) -> list[str]:
    with store.begin() as db:
        return [event.text for event in events.read(db, deployment_id)]


def kinds(store: Store, deployment_id: int) -> list[EventKind]:
    with store.begin() as db:
        return [event.kind for event in events.read(db, deployment_id)]


def take_in(store: Store, deployment_id: int, *lines: bytes) -> None:
    """Fold and record lines as a follower does."""
    found = deploy.find(store, deployment_id)
    steps = record.stored_steps(store, deployment_id)
    batch = []
    for line in lines:
        event = translate(line)
        batch.append(Occurrence(NOW, event, steps.apply(event, NOW)))
    record.record(
        store,
        deployment_id,
        was=Place(found.journal_offset, found.last_event),
        offset=found.journal_offset + sum(len(line) + 1 for line in lines),
        batch=batch,
        changed=steps.take_changed(),
    )


def test_a_queued_deployment_begins_on_a_node(store: Store, settings: Settings) -> None:
    deployment_id = request_deployment(store, settings)

    begun = record.mark_starting(store, deployment_id, "one").deployment

    assert (Status.STARTING, "one") == (begun.status, begun.node)
    assert begun.started_at is not None


def test_a_started_deployment_is_not_started_again(
    store: Store, settings: Settings
) -> None:
    deployment_id = request_deployment(store, settings)
    first = record.mark_starting(store, deployment_id, "one")

    assert first == record.mark_starting(store, deployment_id, "two")


def test_what_is_not_there_cannot_begin(store: Store) -> None:
    with pytest.raises(NotFound):
        record.mark_starting(store, 42, "one")


def test_the_start_is_recorded_once(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)

    again = record.mark_running(store, running)

    assert Status.RUNNING == running.status
    assert running == again
    assert [EventKind.QUEUED, EventKind.STARTED] == kinds(store, running.id)


def test_a_batch_moves_offset_events_and_steps_together(
    store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)

    take_in(store, running.id, make_step_line("prepare"), b"text")

    view = deploy.view(store, running.id)
    assert len(make_step_line("prepare")) + 1 + 5 == view.deployment.journal_offset
    assert running.last_event + 2 == view.deployment.last_event
    assert StepState.RUNNING == view.steps[0].state
    assert [EventKind.STEP, EventKind.OUTPUT] == kinds(store, running.id)[2:]


@pytest.mark.parametrize(
    "was",
    [Place(0, 1), Place(5, 2), Place(0, 3), Place(5, 3)],
    ids=["earlier-event", "later-offset", "later-event", "later"],
)
def test_who_is_at_another_place_records_nothing(
    store: Store, settings: Settings, was: Place
) -> None:
    running = start_deployment(store, settings)
    before = deploy.view(store, running.id)
    changed = [Step(1, "prepare", declared=True, state=StepState.FAILURE)]

    with pytest.raises(Conflict, match="followed by another worker"):
        record.record(
            store,
            running.id,
            was=was,
            offset=100,
            batch=[Occurrence(NOW, translate(b"stray"))],
            changed=changed,
        )

    after = deploy.view(store, running.id)
    assert (before.deployment, before.steps) == (after.deployment, after.steps)
    assert "stray" not in texts(store, running.id)


def test_of_two_followers_at_the_same_place_one_records(
    store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    begin = threading.Barrier(4)
    lost: list[Conflict] = []

    def follow(name: str) -> None:
        batch = [Occurrence(NOW, translate(f"{name} {n}".encode())) for n in range(50)]
        begin.wait()
        try:
            record.record(store, running.id, was=Place(0, running.last_event),
                          offset=500, batch=batch, changed=())  # fmt: skip
        except Conflict as error:
            lost.append(error)

    threads = [threading.Thread(target=follow, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    written = texts(store, running.id)[2:]
    assert 3 == len(lost)
    assert 50 == len(written)
    assert 1 == len({text.split()[0] for text in written})


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


def test_listeners_are_notified_by_the_commit(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)
    with psycopg.connect(settings.database, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")

        print_lines(store, running.id, "news")
        record.finish(store, running.id, 0)

        heard = list(listener.notifies(timeout=60, stop_after=2))
    assert [str(running.id)] * 2 == [notification.payload for notification in heard]


def test_usual_durations_are_medians_of_runs_that_went_well(
    store: Store, settings: Settings
) -> None:
    for seconds, exit_code in ((10, 0), (20, 0), (60, 0), (5000, 1)):
        running = start_deployment(store, settings)
        step = Step(
            1,
            "prepare",
            declared=True,
            state=StepState.SUCCESS,
            started_at=NOW,
            finished_at=NOW + timedelta(seconds=seconds),
        )
        with store.begin() as db:
            deployment_steps.put_steps(db, running.id, [step])
        record.finish(store, running.id, exit_code)

    latest = request_deployment(store, settings)

    assert 20.0 == deploy.view(store, latest).usual["prepare"]
