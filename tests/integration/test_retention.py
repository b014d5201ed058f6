"""What was printed goes when it is old; that it was, stays."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from app.domain.audit import Action
from app.domain.retention import Keep
from app.settings import Settings
from app.store import access_tables, audit, events
from app.store.store import Store
from app.usecases import artifacts, deploy, record, retention
from testing.factories import make_service, print_lines, set_columns, start_deployment

MIB = 1024 * 1024


def deployed(
    store: Store, settings: Settings, *, keep: Keep, size: int = 0, days: int = 0
) -> int:
    """Return a deployment that printed, and that ended this number of days ago."""
    service = make_service(keep=keep.model_dump(exclude_none=True))
    number = start_deployment(store, settings, service).id
    print_lines(store, number, "one", "two")
    record.finish(store, number, 0)
    with store.begin() as db:
        ended = datetime.now(UTC) - timedelta(days=days)
        set_columns(db, number, journal_offset=size, finished_at=ended)
    folder = settings.runs / str(number)
    folder.mkdir(parents=True)
    (folder / "journal").write_text("one\ntwo\n")
    return number


def printed(store: Store, number: int) -> int:
    """How many events a deployment has."""
    with store.begin() as db:
        return len(events.read(db, number))


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (Keep(), []),
        (Keep(days=3), [0, 1]),
        (Keep(deployments=1), [0, 1, 2]),
        (Keep(mebibytes=2), [0, 1]),
        (Keep(days=7, deployments=3), [0]),
    ],
    ids=["no limit", "age", "count", "size", "two limits"],
)
def test_the_oldest_beyond_a_limit_go(
    store: Store, settings: Settings, keep: Keep, expected: list[int]
) -> None:
    numbers = [
        deployed(store, settings, keep=keep, size=MIB, days=days)
        for days in (6, 4, 2, 0)
    ]

    done = retention.prune(store, settings)

    gone = [numbers[place] for place in expected]
    assert len(gone) == done.deployments
    assert gone == [number for number in numbers if not printed(store, number)]
    assert gone == [n for n in numbers if not (settings.runs / str(n)).exists()]


def test_the_deployment_and_its_steps_stay(store: Store, settings: Settings) -> None:
    number = deployed(store, settings, keep=Keep(days=1), days=2)
    before = deploy.view(store, number)

    retention.prune(store, settings)

    after = deploy.view(store, number)
    assert before.steps == after.steps
    assert before.deployment.status is after.deployment.status
    assert after.deployment.pruned_at is not None
    assert [] == artifacts.listing(store, settings, after.deployment)


def test_a_deployment_that_goes_on_is_never_touched(
    store: Store, settings: Settings
) -> None:
    keep = Keep(deployments=1)
    going_on = start_deployment(store, settings, make_service(keep=keep)).id
    print_lines(store, going_on, "one")
    deployed(store, settings, keep=keep)
    deployed(store, settings, keep=keep)

    assert 1 == retention.prune(store, settings).deployments
    assert printed(store, going_on)


def test_what_lies_on_another_node_is_left_to_that_node(
    store: Store, settings: Settings
) -> None:
    number = deployed(store, settings, keep=Keep(days=1), days=2)
    elsewhere = settings.model_copy(update={"node": "elsewhere"})

    assert 0 == retention.prune(store, elsewhere).deployments
    assert printed(store, number)


def test_pruning_that_is_cut_off_goes_on_the_next_time(
    store: Store, settings: Settings
) -> None:
    number = deployed(store, settings, keep=Keep(days=1), days=2)

    retention.prune(store, settings, stop=lambda: True)
    assert deploy.find(store, number).pruned_at is None

    assert 1 == retention.prune(store, settings).deployments
    assert 0 == retention.prune(store, settings).deployments


def test_a_service_without_limits_has_those_of_the_settings(
    store: Store, settings: Settings
) -> None:
    number = deployed(store, settings, keep=Keep(), days=2)

    retention.prune(store, settings.model_copy(update={"keep_days": 1}))

    assert not printed(store, number)


@pytest.mark.parametrize(
    ("kept", "expected"), [(30, ["c"]), (365, ["b", "c"]), (None, ["a", "b", "c"])]
)
def test_the_audit_log_forgets_what_is_older_than_its_limit(
    store: Store,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    kept: int | None,
    expected: list[str],
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    with store.begin() as db:
        for subject, days in (("a", 400), ("b", 40), ("c", 0)):
            noted = insert(access_tables.audit).values(
                actor="me",
                address="",
                action=Action.SYNC.value,
                subject=subject,
                at=datetime.now(UTC) - timedelta(days=days),
            )
            db.execute(noted)

    limits = settings.model_copy(update={"keep_audit_days": kept})
    done = retention.prune(store, limits)

    with store.begin() as db:
        left = [entry.subject for entry in audit.latest(db, action=Action.SYNC)]
    assert expected == left[::-1]
    assert 3 - len(expected) == done.noted
