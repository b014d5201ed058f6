"""Recording a run: each piece of its journal once, and its end once."""

import threading
from datetime import timedelta

import psycopg
import pytest

from app.domain.deployment import Status
from app.domain.events import EventKind, StepState
from app.domain.steps import Step
from app.errors import Conflict, NotFound
from app.settings import Settings
from app.store import deployment_steps, events
from app.store.events import CHANNEL, Occurrence
from app.store.store import Store
from app.usecases import deploy, record
from app.usecases.record import Place
from app.worker.translate import translate
from testing.factories import (
    NOW,
    make_step_line,
    print_lines,
    request_deployment,
    start_deployment,
)
from testing.recording import kinds, take_in


def texts(store: Store, deployment_id: int) -> list[str]:
    with store.begin() as db:
        return [event.text for event in events.read(db, deployment_id)]


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
