"""The queue: what comes first, what waits, what is replaced, and on which host."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.domain.deployment import Status
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.queueing import assert_one_after_another, jobs, start_alone, successful
from testing.runs import release
from testing.scripts import HELLO
from testing.waiting import eventually

# Priority


def test_the_highest_priority_comes_first_and_else_the_oldest(
    installation: Installation,
) -> None:
    installation.write_service("hello", HELLO)
    low, first, high, second = (
        installation.request("hello", priority=priority) for priority in (-5, 0, 100, 0)
    )
    order = [high, first, second, low]
    ahead = [installation.view(number).ahead for number in order]

    installation.worker()

    assert_one_after_another(successful(installation, order))
    assert [0, 1, 2, 3] == ahead


def test_no_other_deployment_starts_before_a_started_run_has_ended(
    installation: Installation,
) -> None:
    """Not even while no worker is there that follows it."""
    worker = installation.worker()
    begun = start_alone(installation, "alone")
    urgent = installation.request("alone", priority=100)
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
    running = start_alone(installation, "alone")
    waiting = installation.launch("alone")
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
    running = start_alone(installation, "latest", queue="latest")
    replaced, latest = (installation.launch("latest") for _ in range(2))

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
        numbers = list(several.map(lambda _: installation.launch("latest"), range(24)))

    last = max(numbers)
    assert [last] == [n for n in numbers if installation.status(n) is Status.QUEUED]
    assert [last] == [job for job, _ in jobs(installation.settings)]
    installation.worker()
    successful(installation, [last])


# How many at a time


def test_a_host_has_its_limit(postgres: Postgres, tmp_path: Path) -> None:
    with installed(postgres, tmp_path, concurrency=2) as made:
        made.worker()
        first, second = start_alone(made, "one"), start_alone(made, "two")
        made.write_service("three", HELLO)
        third = made.launch("three")

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

        numbers = [start_alone(made, f"many-{n}") for n in range(24)]

        assert {Status.RUNNING} == {made.status(number) for number in numbers}


# Draining


def test_draining_finishes_started_runs_and_starts_no_other(
    installation: Installation,
) -> None:
    worker = installation.worker()
    begun = start_alone(installation, "alone")
    assert 0 == worker.stop()
    installation.write_service("hello", HELLO)
    waiting = [installation.launch(name) for name in ("hello", "alone")]

    draining = installation.start("worker", "--drain")
    eventually(lambda: "worker.ready" in draining.log)
    release(installation, "alone")

    assert 0 == draining.wait(), draining.log
    successful(installation, [begun])
    assert [Status.QUEUED] * 2 == [installation.status(number) for number in waiting]
    installation.worker()
    successful(installation, waiting)


def test_a_host_without_started_runs_is_drained_at_once(
    installation: Installation,
) -> None:
    installation.write_service("hello", HELLO)
    waiting = installation.launch("hello")

    draining = installation.start("worker", "--drain")

    assert 0 == draining.wait(), draining.log
    assert Status.QUEUED is installation.status(waiting)


def test_draining_can_be_stopped(installation: Installation) -> None:
    worker = installation.worker()
    begun = start_alone(installation, "alone")
    worker.kill()
    draining = installation.start("worker", "--drain")
    eventually(lambda: "worker.ready" in draining.log)

    assert 0 == draining.stop()
    assert Status.RUNNING is installation.status(begun)
    installation.worker()
    release(installation, "alone")

    successful(installation, [begun])
