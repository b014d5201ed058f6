"""The versions of files are recorded after the events: once, in order, and all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from app import bootstrap
from app.domain.deployment import Deployment
from app.domain.events import TaskResult
from app.domain.node import NodeInstance
from app.errors import Unavailable
from app.queue import make_queue
from app.settings import Settings
from app.store import deployments, files, hosts, unversioned_events
from app.store.store import Store
from app.usecases import deploy, file_versions, nodes, record, restore, retention
from testing.factories import NOW, ROOT, ends, set_columns, start_deployment
from testing.host_runs import make_playbook_service
from testing.recording import take_in
from testing.waiting import eventually

SHOP = make_playbook_service("shop/site@production")
MOTD, HOSTS = "/etc/motd", "/etc/hosts"


def _writes(before: str, after: str, path: str = MOTD, **more: object) -> bytes:
    diff = {"before_header": path, "before": before, "after": after}
    return ends("Write", "web1", TaskResult.CHANGED, diff=diff, **more)


def _started(store: Store, settings: Settings, *lines: bytes) -> Deployment:
    """Return a deployment with these lines, of which no version is recorded yet."""
    number = start_deployment(store, settings, SHOP).id
    take_in(store, number, *lines)
    return deploy.find(store, number)


def _texts(store: Store, path: str = MOTD) -> list[str | None]:
    with store.begin() as db:
        found = hosts.find(db, "web1", "shop")
        return [each.text for h in found for each in files.find(db, h.id, path)]


def test_versions_are_recorded_once_after_the_events(
    store: Store, settings: Settings
) -> None:
    run = _started(store, settings, _writes("", "1"), _writes("1", "2"))
    assert [] == _texts(store)

    file_versions.record(store, run)
    file_versions.record(store, run)
    take_in(store, run.id, _writes("2", "3"))
    file_versions.record(store, run)

    assert ["1", "2", "3"] == _texts(store)


@pytest.mark.parametrize(
    "most", [pytest.param("PIECE", id="events"), pytest.param("MAX_BYTES", id="bytes")]
)
def test_many_events_are_recorded_piece_by_piece(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, most: str
) -> None:
    module = file_versions if most == "PIECE" else unversioned_events
    monkeypatch.setattr(module, most, 2)
    lines = [_writes(str(n), str(n + 1)) for n in range(5)]
    run = _started(store, settings, *lines)

    file_versions.record(store, run)

    assert [*"012345"] == _texts(store)


def test_workers_at_the_same_time_record_each_version_once(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_versions, "PIECE", 2)
    lines = [_writes(str(n), str(n + 1)) for n in range(20)]
    run = _started(store, settings, *lines)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: file_versions.record(store, run), range(3)))

    assert [str(n) for n in range(21)] == _texts(store)


def test_versions_of_the_release_before_are_not_recorded_again(
    store: Store, settings: Settings
) -> None:
    """It records them with the events, and knows nothing of this column."""
    run = _started(store, settings, _writes("", "1"), _writes("1", "2"))
    file_versions.record(store, run)
    with store.begin() as db:
        db.execute(text("UPDATE deployments SET versions_through = NULL"))
    take_in(store, run.id, _writes("2", "3"))

    file_versions.record(store, run)

    assert ["1", "2", "3"] == _texts(store)


def test_a_change_that_cannot_be_recorded_is_skipped(
    store: Store, settings: Settings
) -> None:
    refuse = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON files FOR EACH ROW
        WHEN (NEW.path = '/etc/hosts') EXECUTE FUNCTION refuse();
    """
    with store.begin() as db:
        db.exec_driver_sql(refuse)
    run = _started(store, settings, _writes("", "1"), _writes("", "x", HOSTS))
    take_in(store, run.id, _writes("1", "2"))

    record.finish(store, run.id, 0)

    assert ["1", "2"] == _texts(store)
    assert [] == _texts(store, HOSTS)
    assert deploy.find(store, run.id).ended


def test_nothing_is_skipped_while_postgresql_is_away(
    store: Store, settings: Settings
) -> None:
    run = _started(store, settings, _writes("", "1"))
    with ThreadPoolExecutor() as pool, store.begin() as db:
        db.execute(text("LOCK TABLE files"))
        waiting = pool.submit(file_versions.record, store, run)
        eventually(lambda: _end_waiting_connection(store))

    with pytest.raises(Unavailable):
        waiting.result()
    file_versions.record(store, run)

    assert ["1"] == _texts(store)


def _end_waiting_connection(store: Store) -> bool:
    query = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    # A transaction sees the connections as they were at its first look.
    with store.begin() as db:
        return db.scalar(query) is not None


def _ends_itself(store: Store, _: Settings, run: Deployment) -> None:
    record.finish(store, run.id, 0)


def _vanishes(store: Store, _: Settings, run: Deployment) -> None:
    record.fail(store, run.id, "gone")


def _node_is_removed(store: Store, settings: Settings, _: Deployment) -> None:
    nodes.forget(store, make_queue(settings), ROOT, settings.node)


def _is_restored(store: Store, settings: Settings, _: Deployment) -> None:
    restore.settle(
        store, settings, bootstrap.make_secret_box(settings), make_queue(settings),
        ROOT, was=settings.node,
    )  # fmt: skip


@pytest.mark.parametrize(
    "end", [_ends_itself, _vanishes, _node_is_removed, _is_restored]
)
def test_a_deployment_that_has_ended_has_all_versions(
    store: Store, settings: Settings, end: Callable[..., None]
) -> None:
    """So retention can remove its events."""
    run = _started(store, settings, _writes("", "1"))
    nodes.beat(store, settings.node, me=NodeInstance("test"), concurrency=1)
    nodes.stop(store, settings.node, NodeInstance("test"))

    end(store, settings, run)

    assert deploy.find(store, run.id).ended
    assert ["1"] == _texts(store)


def test_retention_removes_no_event_of_a_run_that_goes_on(
    store: Store, settings: Settings
) -> None:
    run = _started(store, settings, _writes("", "1"))
    keep_one_day = settings.model_copy(update={"keep_days": 1})

    retention.prune(store, keep_one_day)
    record.finish(store, run.id, 0)
    with store.begin() as db:
        set_columns(db, run.id, finished_at=NOW - timedelta(days=2))
    retention.prune(store, keep_one_day)

    assert ["1"] == _texts(store)
    with store.begin() as db:
        ended = deployments.find(db, run.id)
    assert ended is not None
    assert ended.pruned_at is not None
