"""The queue: what comes first, what waits, what is replaced, and on which host."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import psycopg

from app import bootstrap
from app.domain.deployment import Deployment, Origin, Status
from app.settings import Settings
from app.usecases import deploy
from tests.acceptance.conftest import ACTOR, Installation, eventually, installed
from tests.conftest import Postgres

#: Fails if another run of its service goes on; until a file `go` lies beside it.
ALONE = """#!/bin/sh
cd "${0%/*}" && mkdir running || exit 9
echo begun
until [ -e go ]; do sleep 0.05; done
rmdir running
"""
HELLO = "#!/bin/sh\necho hello\n"


def launch(made: Installation, name: str, priority: int = 0) -> int:
    return deploy.launch(
        made.store,
        bootstrap.make_queue(made.settings),
        bootstrap.make_secret_box(made.settings),
        actor=ACTOR,
        origin=Origin.CLI,
        service_name=name,
        given={},
        priority=priority,
    )


def begin(made: Installation, name: str, **config: object) -> int:
    """Launch a run that goes on until it is released, and wait for its first words."""
    made.write_service(name, ALONE, **config)
    number = launch(made, name)
    eventually(lambda: made.output(number))
    return number


def release(made: Installation, name: str) -> None:
    (made.services / name / "go").touch()


def successful(made: Installation, numbers: Sequence[int]) -> list[Deployment]:
    """The deployments, which all succeeded."""
    ended = [made.ended(number) for number in numbers]
    assert [(number, Status.SUCCESSFUL) for number in numbers] == [
        (found.id, found.status) for found in ended
    ]
    return ended


def assert_one_after_another(ended: Sequence[Deployment]) -> None:
    for before, after in pairwise(ended):
        assert before.finished_at is not None
        assert after.started_at is not None
        assert before.finished_at <= after.started_at


# Priority


def test_the_highest_priority_comes_first_and_else_the_oldest(
    installation: Installation,
) -> None:
    installation.write_service("hello", HELLO)
    low, first, high, second = (
        launch(installation, "hello", priority) for priority in (-5, 0, 100, 0)
    )
    order = [high, first, second, low]
    ahead = [installation.view(number).ahead for number in order]

    installation.worker()

    assert_one_after_another(successful(installation, order))
    assert [0, 1, 2, 3] == ahead


def test_a_run_that_was_begun_is_overtaken_by_nobody(
    installation: Installation,
) -> None:
    """Not even while no worker is there that follows it."""
    worker = installation.worker()
    begun = begin(installation, "alone")
    urgent = launch(installation, "alone", 100)
    worker.kill()
    installation.write_service("hello", HELLO)

    installation.worker()
    # Another job has come and gone since: the urgent one could have been taken too.
    assert Status.SUCCESSFUL is installation.run("hello").status
    assert (Status.RUNNING, Status.QUEUED) == (
        installation.status(begun), installation.status(urgent)
    )  # fmt: skip
    release(installation, "alone")

    assert_one_after_another(successful(installation, [begun, urgent]))


# What changes while it waits


def test_a_deployment_whose_config_json_has_changed_meanwhile_is_not_run(
    installation: Installation,
) -> None:
    """The record is of the launch, and a run goes by the file: they must agree."""
    installation.worker()
    running = begin(installation, "alone")
    waiting = launch(installation, "alone")
    folder = installation.services / "alone"
    config = {"name": "alone", "deploy_script": "deploy.py", "timeout": 7}
    (folder / "config.json").write_text(json.dumps(config))

    release(installation, "alone")

    successful(installation, [running])
    refused = installation.ended(waiting)
    assert (Status.FAILED, None) == (refused.status, refused.exit_code)
    assert (
        "config.json has changed since it was launched (timeout); "
        "sync the services and launch alone again"
    ) == refused.reason
    assert b"" == installation.output(waiting)


# The latest wins


def test_a_launch_replaces_the_one_that_waits_and_not_the_one_that_runs(
    installation: Installation,
) -> None:
    installation.worker()
    running = begin(installation, "latest", queue="latest")
    replaced, latest = (launch(installation, "latest") for _ in range(2))

    found = installation.view(replaced).deployment
    assert (Status.CANCELED, f"replaced by deployment {latest}") == (
        found.status, found.reason
    )  # fmt: skip
    assert found.started_at is None
    assert (Status.RUNNING, Status.QUEUED) == (
        installation.status(running), installation.status(latest)
    )  # fmt: skip
    release(installation, "latest")
    assert_one_after_another(successful(installation, [running, latest]))


def test_of_launches_at_once_exactly_one_waits(installation: Installation) -> None:
    installation.write_service("latest", HELLO, queue="latest")

    with ThreadPoolExecutor(4) as several:
        numbers = list(several.map(lambda _: launch(installation, "latest"), range(24)))

    last = max(numbers)
    assert [last] == [n for n in numbers if installation.status(n) is Status.QUEUED]
    assert [last] == [job for job, _ in jobs(installation.settings)]
    installation.worker()
    successful(installation, [last])


def jobs(settings: Settings) -> list[tuple[int, str]]:
    """The deployments that have a job in the queue, and which queue that is."""
    with psycopg.connect(settings.database) as connection:
        return connection.execute(
            "SELECT (args->>'deployment_id')::int, queue_name FROM procrastinate_jobs"
        ).fetchall()


# How many at a time


def test_a_host_has_its_limit(postgres: Postgres, tmp_path: Path) -> None:
    with installed(postgres, tmp_path, concurrency=2) as made:
        made.worker()
        first, second = begin(made, "one"), begin(made, "two")
        made.write_service("three", HELLO)
        third = launch(made, "three")

        # What is launched later waits as well, so nothing is ever there to see.
        release(made, "one")
        ended = successful(made, [first, third])

        assert_one_after_another(ended)
        assert Status.RUNNING is made.status(second)


def test_as_many_run_at_once_as_were_promised(
    postgres: Postgres, tmp_path: Path
) -> None:
    """However few processors the host has."""
    with installed(postgres, tmp_path, concurrency=24) as made:
        made.worker()

        numbers = [begin(made, f"many-{n}") for n in range(24)]

        assert {Status.RUNNING} == {made.status(number) for number in numbers}


# Draining


def test_draining_finishes_what_was_begun_and_begins_nothing(
    installation: Installation,
) -> None:
    worker = installation.worker()
    begun = begin(installation, "alone")
    assert 0 == worker.stop()
    installation.write_service("hello", HELLO)
    waiting = [launch(installation, name) for name in ("hello", "alone")]

    draining = installation.start("worker", "--drain")
    eventually(lambda: "worker.ready" in draining.log)
    release(installation, "alone")

    assert 0 == draining.wait(), draining.log
    successful(installation, [begun])
    assert [Status.QUEUED] * 2 == [installation.status(number) for number in waiting]
    installation.worker()
    successful(installation, waiting)


def test_a_host_that_has_begun_nothing_is_drained_at_once(
    installation: Installation,
) -> None:
    installation.write_service("hello", HELLO)
    waiting = launch(installation, "hello")

    draining = installation.start("worker", "--drain")

    assert 0 == draining.wait(), draining.log
    assert Status.QUEUED is installation.status(waiting)


def test_draining_can_be_stopped(installation: Installation) -> None:
    worker = installation.worker()
    begun = begin(installation, "alone")
    worker.kill()
    draining = installation.start("worker", "--drain")
    eventually(lambda: "worker.ready" in draining.log)

    assert 0 == draining.stop()
    assert Status.RUNNING is installation.status(begun)
    installation.worker()
    release(installation, "alone")

    successful(installation, [begun])
