"""A schedule is launched once when the clocks change, by two nodes and after a kill.

PostgreSQL and the workers have a moved clock.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app import dev_server
from app.domain.deployment import Status
from app.settings import read_settings
from app.store.deployment_tables import deployments
from app.usecases import schedules
from testing.installation import Installation, installed
from testing.locks import count_waiting, locked
from testing.moved_clock import MovedClock
from testing.postgres import Postgres
from testing.processes import Process
from testing.scripts import HELLO
from testing.waiting import eventually

NIGHTLY = {"name": "nightly", "cron": "30 2 * * *", "timezone": "Europe/Berlin"}
#: 02:00 is 03:00: 02:30 doesn't exist, and the schedule is launched at 03:00.
SPRING = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
#: 03:00 is 02:00: 02:30 comes two times, and the schedule is launched at the first.
AUTUMN = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
SOON = timedelta(seconds=3)


@pytest.fixture
def clock(runtime_folder: Path) -> MovedClock:
    folder = runtime_folder / "clock"
    folder.mkdir()
    folder.chmod(0o755)
    return MovedClock(folder / "now")


@pytest.fixture
def installation(
    clock: MovedClock,
    runtime_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Installation]:
    """An installation whose PostgreSQL has the moved clock, hours before the change."""
    clock.set(SPRING - timedelta(hours=3))
    for name, value in clock.variables.items():
        monkeypatch.setenv(name, value)
    with dev_server.running(read_settings(var=runtime_folder / "moved")) as found:
        for name in clock.variables:
            monkeypatch.delenv(name)
        with (
            closing(Postgres(found.database)) as server,
            installed(server, tmp_path) as made,
        ):
            yield made


def launched(made: Installation) -> list[datetime]:
    """The instants of the schedule that were launched, by their idempotency keys."""
    with made.store.begin() as db:
        keys = db.scalars(
            select(deployments.c.idempotency_key).order_by(deployments.c.id)
        )
        return [datetime.fromisoformat(key.split(":", 2)[2]) for key in keys]


def ended_last(made: Installation) -> Status:
    """Wait for the deployment that was launched last, and return its status.

    Its id isn't known: the transaction of the killed worker may have taken one.
    """
    with made.store.begin() as db:
        last = db.scalars(select(func.max(deployments.c.id))).one()
    return made.ended(last).status


def next_at(made: Installation) -> datetime | None:
    return schedules.find_named(made.store, "hello", "nightly").stored.next_at


def test_a_schedule_is_launched_once_when_the_clocks_change(
    installation: Installation, clock: MovedClock, tmp_path: Path
) -> None:
    installation.write_service("hello", HELLO, schedules=[NIGHTLY])
    there = tmp_path / "there"
    there.mkdir()

    def work(**env: str) -> Process:
        return installation.worker(**clock.variables, **env)

    def work_there() -> Process:
        return work(FASTDEPLOY_NODE="there", FASTDEPLOY_VAR=str(there))

    assert SPRING == next_at(installation)
    with locked(installation, "deployments"):
        work()
        killed = work_there()
        clock.set(SPRING - SOON)
        # Both have decided to launch, and none has committed.
        eventually(lambda: count_waiting(installation) == 2)
        killed.kill()
    work_there()
    eventually(lambda: [SPRING] == launched(installation))
    assert SPRING + timedelta(hours=23, minutes=30) == next_at(installation)
    # It is 03:30, an hour later it would be 02:30 without the change.
    clock.set(SPRING + timedelta(minutes=30))
    assert_nothing_is_due(installation)
    assert Status.SUCCESSFUL is ended_last(installation)

    # The instants of the summer are missed, and not made up for.
    clock.set(AUTUMN - SOON)
    eventually(lambda: [SPRING, AUTUMN] == launched(installation))
    assert AUTUMN + timedelta(hours=25) == next_at(installation)
    clock.set(AUTUMN + timedelta(hours=1))
    assert_nothing_is_due(installation)

    assert Status.SUCCESSFUL is ended_last(installation)
    assert [SPRING, AUTUMN] == launched(installation)


def assert_nothing_is_due(made: Installation) -> None:
    with made.store.begin() as db:
        query = text("SELECT count(*) FROM schedules WHERE next_at <= now()")
        assert 0 == db.execute(query).scalar_one()
