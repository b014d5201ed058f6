"""Following: whatever dies, every line is recorded once and the end is right."""

import os
import signal
import threading
import time
from itertools import pairwise
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import text

from app import dev_server
from app.domain.deployment import Status
from app.settings import read_settings
from app.store.migrate import migrate
from app.usecases import record
from app.worker.deployment_runner import VANISHED
from testing.installation import Installation, install
from testing.numbered import assert_complete, grows, journal_grows, start_numbered
from testing.runs import release
from testing.scripts import NUMBERED
from testing.waiting import PATIENCE, eventually

# The worker goes


def test_a_worker_that_is_killed_is_followed_by_another(
    installation: Installation,
) -> None:
    worker = installation.worker()
    number = start_numbered(installation)

    for _ in range(2):
        worker.kill()
        journal_grows(installation, number)
        worker = installation.worker()
        grows(installation, number)
    release(installation)

    assert_complete(installation, number)


def test_a_worker_that_is_stopped_leaves_its_runs_to_the_next(
    installation: Installation,
) -> None:
    worker = installation.worker()
    number = start_numbered(installation)

    assert 0 == worker.stop()
    journal_grows(installation, number)
    installation.worker()
    grows(installation, number)
    release(installation)

    assert_complete(installation, number)


def test_a_run_that_ends_while_nobody_follows_is_recorded_later(
    installation: Installation,
) -> None:
    worker = installation.worker()
    number = start_numbered(installation)

    worker.kill()
    release(installation)
    eventually((installation.run_folder(number) / "rc").exists)
    assert Status.RUNNING is installation.status(number)
    installation.worker()

    assert_complete(installation, number)


def test_a_run_that_vanished_while_nobody_followed_has_failed(
    installation: Installation,
) -> None:
    worker = installation.worker()
    number = start_numbered(installation)

    worker.kill()
    installation.kill_run(number)
    assert [] != list(installation.config_folder.iterdir())
    installation.worker()
    ended = installation.ended(number)

    assert (Status.FAILED, None, VANISHED) == (
        ended.status, ended.exit_code, ended.reason
    )  # fmt: skip
    assert [] == list(installation.config_folder.iterdir())
    journal = (installation.run_folder(number) / "journal").read_bytes()
    complete = journal[: journal.rfind(b"\n") + 1]
    assert b"" != complete
    assert complete == installation.output(number)


def test_a_run_that_vanishes_while_it_is_followed_has_failed(
    installation: Installation,
) -> None:
    installation.worker()
    number = start_numbered(installation)

    installation.kill_run(number)
    ended = installation.ended(number)

    assert (Status.FAILED, VANISHED) == (ended.status, ended.reason)
    assert [] == list(installation.config_folder.iterdir())


def test_a_second_worker_on_the_same_folder_is_refused(
    installation: Installation,
) -> None:
    first = installation.worker()

    second = installation.start("worker")

    assert 1 == second.wait()
    assert second.log == (
        f"fastdeploy: another worker uses {installation.settings.var}; "
        "set FASTDEPLOY_VAR to a folder of its own\n"
    )
    assert first.exit_code is None


# PostgreSQL goes


def test_connections_that_are_cut_again_and_again_lose_nothing(
    installation: Installation,
) -> None:
    worker = installation.worker()
    number = start_numbered(installation)

    for _ in range(8):
        cut_connections(installation)
        grows(installation, number)
    release(installation)

    assert_complete(installation, number)
    assert worker.exit_code is None
    # The queue's own connections came back as well.
    assert Status.SUCCESSFUL is installation.run("numbered").status


def test_a_crash_of_postgresql_loses_nothing(
    runtime_folder: Path, tmp_path: Path
) -> None:
    settings = read_settings(var=runtime_folder / f"crashed-{time.monotonic_ns()}")
    back = threading.Event()

    def pause() -> float:
        back.wait(PATIENCE)
        return 0.0

    with dev_server.embedded(settings, pause) as server:
        made = install(server.settings.database, tmp_path)
        try:
            migrate(made.store)
            worker = made.worker()
            number = start_numbered(made)
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            eventually(lambda: server.pid is None)
            journal_grows(made, number)
            back.set()
            eventually(lambda: server.pid is not None)
            grows(made, number)
            release(made)
            assert_complete(made, number)
            assert worker.exit_code is None
            assert Status.SUCCESSFUL is made.run("numbered").status
        finally:
            back.set()
            made.close()


def test_a_worker_takes_back_a_job_whose_deployment_has_ended(
    installation: Installation,
) -> None:
    """Cut off between the two, the last one left its service locked."""
    installation.write_service("numbered", NUMBERED)
    number = installation.launch("numbered")
    record.mark_starting(installation.store, number, installation.settings.node)
    record.fail(installation.store, number, "because")
    with installation.store.begin() as db:
        db.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    after = installation.launch("numbered")

    worker = installation.worker()

    eventually(lambda: installation.status(after) is Status.RUNNING)
    assert "job.stalled" not in worker.log


def cut_connections(made: Installation) -> None:
    """Cut every connection to the database but the one that does it."""
    with psycopg.connect(made.settings.database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


# Web goes


def test_a_run_goes_on_without_the_web_process(installation: Installation) -> None:
    installation.worker()
    web = installation.web()
    number = start_numbered(installation)

    with (
        installation.client() as client,
        client.stream("GET", f"/api/v1/deployments/{number}/events") as response,
    ):
        lines = response.iter_lines()
        next(lines)
        web.kill()
        with pytest.raises(httpx.TransportError):
            list(lines)
    grows(installation, number)
    release(installation)

    assert_complete(installation, number)


# Several at once


def test_the_second_deployment_of_a_service_waits_for_the_first(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    first = start_numbered(fastdeploy, "one-at-a-time")
    second, third = (fastdeploy.launch("one-at-a-time") for _ in range(2))
    another = start_numbered(fastdeploy, "another")

    waiting = [client.get(f"/api/v1/deployments/{n}").json() for n in (second, third)]

    assert [("queued", 1), ("queued", 2)] == [
        (found["status"], found["queue_position"]) for found in waiting
    ]
    assert Status.RUNNING is fastdeploy.status(first)
    assert Status.RUNNING is fastdeploy.status(another)
    for name in ("one-at-a-time", "another"):
        release(fastdeploy, name)
    ended = [fastdeploy.ended(number) for number in (first, second, third)]
    assert [Status.SUCCESSFUL] * 3 == [found.status for found in ended]
    for before, after in pairwise(ended):
        assert before.finished_at is not None
        assert after.started_at is not None
        assert before.finished_at <= after.started_at


def test_a_deployment_waits_for_a_worker(installation: Installation) -> None:
    installation.write_service("hello", "#!/bin/sh\necho hello\n")
    number = installation.launch("hello")
    assert Status.QUEUED is installation.status(number)

    installation.worker()

    assert Status.SUCCESSFUL is installation.ended(number).status
