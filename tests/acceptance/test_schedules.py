"""Workers launch schedules, also while other workers are killed."""

from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.domain.deployment import Status
from app.store.deployment_tables import deployments
from app.usecases import schedules
from testing.installation import Installation
from testing.locks import count_waiting, locked
from testing.processes import Process
from testing.scripts import HELLO
from testing.waiting import eventually

SCHEDULE = {"name": "nightly", "cron": "0 3 * * *", "missed": "run-once"}


def launched(made: Installation) -> list[int]:
    with made.store.begin() as db:
        query = select(deployments.c.id).where(deployments.c.origin == "schedule")
        return list(db.scalars(query.order_by(deployments.c.id)))


@pytest.mark.parametrize("table", ["deployments", "schedules"])
def test_an_instant_is_launched_once_by_two_nodes_of_which_one_is_killed(
    installation: Installation, tmp_path: Path, table: str
) -> None:
    """Both have decided; the deployment isn't written, or it isn't committed."""
    installation.write_service("hello", HELLO, schedules=[SCHEDULE])
    there = tmp_path / "there"
    there.mkdir()

    def work_there() -> Process:
        return installation.worker(FASTDEPLOY_NODE="there", FASTDEPLOY_VAR=str(there))

    with installation.store.begin() as db:
        db.execute(text("UPDATE schedules SET next_at = now() - interval '1 hour'"))
    with locked(installation, table):
        installation.worker()
        killed = work_there()
        eventually(lambda: count_waiting(installation) == 2)
        killed.kill()
    eventually(lambda: len(launched(installation)) == 1)
    # The deployment may have been queued on the node whose worker was killed.
    work_there()

    (number,) = launched(installation)
    ended = installation.ended(number)
    assert (Status.SUCCESSFUL, "schedule nightly") == (ended.status, ended.actor)
    found = schedules.find_named(installation.store, "hello", "nightly").stored
    assert (number, Status.SUCCESSFUL) == (found.last_deployment, found.last_status)
    assert found.last_at is not None
    assert found.next_at is not None
    assert found.last_at < found.next_at
    assert [number] == launched(installation)
