"""After a restore, each started deployment gets its real outcome; none is launched."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app import bootstrap
from app.domain.access import Actor, Permission
from app.domain.deployment import Deployment, Status
from app.domain.node import NodeInstance
from app.errors import Conflict, NotAllowed
from app.queue import make_queue
from app.settings import Settings
from app.store import nodes as node_rows
from app.store.store import Store
from app.usecases import auth, deploy, nodes, record, restore
from testing.factories import (
    PASSWORD,
    ROOT,
    make_schema,
    make_service,
    make_user,
    request_deployment,
    start_deployment,
)


def settled(
    store: Store, settings: Settings, was: str = "test"
) -> restore.RestoreResult:
    """Settle a backup of the node `was`, on the node of the settings."""
    return restore.settle(
        store,
        settings,
        bootstrap.make_secret_box(settings),
        make_queue(settings),
        ROOT,
        was=was,
    )


def run_folder(settings: Settings, number: int, *, rc: str | None = None) -> Path:
    """The folder of a run that came with the backup."""
    folder = settings.runs / str(number)
    folder.mkdir(parents=True)
    (folder / "journal").write_text("one\n")
    if rc is not None:
        (folder / "rc").write_text(rc)
    return folder


def moved(settings: Settings, **changed: object) -> Settings:
    return settings.model_copy(update=changed)


def ended(store: Store, number: int) -> Deployment:
    found = deploy.find(store, number)
    assert found.ended
    return found


def jobs(store: Store) -> dict[int, str]:
    """The queue of each deployment that is still to be worked on."""
    query = "SELECT args->>'deployment_id', queue_name FROM procrastinate_jobs"
    with store.begin() as db:
        return {int(number): queue for number, queue in db.execute(text(query))}


def test_what_waited_is_canceled_and_not_launched(
    store: Store, settings: Settings
) -> None:
    number = request_deployment(store, settings)
    # It started between the dump and the copy of its folder.
    folder = run_folder(settings, number, rc="0")

    assert 1 == settled(store, settings).ended

    assert Status.CANCELED is ended(store, number).status
    assert "waited when the backup was made" in ended(store, number).reason
    assert {} == jobs(store)
    assert not folder.exists()


def test_what_ran_has_failed_and_says_that_nobody_knows(
    store: Store, settings: Settings
) -> None:
    number = start_deployment(store, settings).id
    folder = run_folder(settings, number)

    settled(store, settings)

    assert Status.FAILED is ended(store, number).status
    assert "not known here" in ended(store, number).reason
    assert {} == jobs(store)
    assert (folder / "journal").exists()


def test_a_run_that_left_its_exit_code_is_the_workers_to_end(
    store: Store, settings: Settings
) -> None:
    number = start_deployment(store, settings).id
    run_folder(settings, number, rc="3")
    here = moved(settings, node="new")

    assert restore.RestoreResult(0, 1) == settled(store, here)

    found = deploy.find(store, number)
    assert (False, "new") == (found.ended, found.node)
    assert {number} == jobs(store).keys()


def test_output_that_cannot_be_masked_any_more_is_not_recorded(
    store: Store, settings: Settings
) -> None:
    """A backup may lack the key of the encrypted secrets."""
    service = make_service(variables=make_schema("password"))
    number = request_deployment(store, settings, service, given={"password": "x" * 8})
    record.mark_running(store, record.mark_starting(store, number, "test").deployment)
    run_folder(settings, number, rc="0")

    settled(store, moved(settings, secret_key=SecretStr("k" * 32)))

    assert Status.FAILED is ended(store, number).status


def test_a_number_that_is_used_again_finds_no_old_run(
    store: Store, settings: Settings
) -> None:
    newer = run_folder(settings, 4711, rc="0")
    record.finish(store, start_deployment(store, settings).id, 0)
    kept = run_folder(settings, 1)

    settled(store, settings)

    assert (False, True) == (newer.exists(), kept.exists())


def test_the_host_takes_the_place_of_the_one_that_was_backed_up(
    store: Store, settings: Settings
) -> None:
    number = start_deployment(store, settings).id
    run_folder(settings, number, rc="0")
    nodes.beat(store, "test", me=NodeInstance("a"), concurrency=2)
    with store.begin() as db:
        db.execute(text("UPDATE registrations SET node = 'test'"))
        db.execute(text("UPDATE procrastinate_jobs SET queue_name = 'begun on test'"))

    settled(store, moved(settings, node="new"))

    assert {number: "begun on new"} == jobs(store)
    assert ["new"] == [node.name for node in nodes.list_nodes(store)]
    with store.begin() as db:
        assert {1: ["new"]} == node_rows.registered(db, [1])


def test_deployments_that_other_nodes_started_are_left_to_them(
    store: Store, settings: Settings
) -> None:
    number = start_deployment(store, moved(settings, node="other")).id

    assert restore.RestoreResult(0, 0) == settled(store, settings)

    assert not deploy.find(store, number).ended


def test_another_nodes_name_is_not_taken(store: Store, settings: Settings) -> None:
    nodes.beat(store, "test", me=NodeInstance("a"), concurrency=2)
    nodes.beat(store, "other", me=NodeInstance("b"), concurrency=2)

    with pytest.raises(Conflict, match="FASTDEPLOY_NODE"):
        settled(store, moved(settings, node="other"))


def test_everybody_has_to_log_in_again(store: Store, settings: Settings) -> None:
    """Otherwise a session that ended after the backup would be valid again."""
    name, hour = make_user(store), timedelta(hours=1)
    secret = auth.log_in(store, name, PASSWORD, "192.0.2.1", hour)

    settled(store, settings)

    assert auth.by_session(store, secret) is None


def test_only_an_admin_settles(store: Store, settings: Settings) -> None:
    with pytest.raises(NotAllowed):
        restore.settle(
            store,
            settings,
            bootstrap.make_secret_box(settings),
            make_queue(settings),
            Actor("ada", frozenset({Permission.DEPLOY})),
            was="test",
        )
