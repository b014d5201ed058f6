"""Faults: PostgreSQL stays away, a process id is used again, processes are killed."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from app import dev_server
from app.domain.deployment import Status
from app.runner.stop import COUNT
from app.settings import read_settings
from app.store.migrate import migrate
from app.worker.deployment_runner import VANISHED
from testing.event_stream import Watcher, assert_everything
from testing.installation import Installation, install
from testing.numbered import assert_complete, grows, journal_grows, start_numbered
from testing.processes import logged_again
from testing.runs import (
    cancel,
    canceled,
    release,
    stop,
    worker_that_cancels,
)
from testing.scripts import DEAF
from testing.waiting import PATIENCE, eventually

# PostgreSQL stays away


class Server:
    """A PostgreSQL that is away for as long as a test wants."""

    def __init__(self, folder: Path) -> None:
        self._back = threading.Event()
        self._folder = folder

    @contextmanager
    def running(self) -> Iterator[dev_server.EmbeddedPostgres]:
        """Run it; one that is away at the end is let back first."""
        settings = read_settings(var=self._folder)
        with dev_server.embedded(settings, self._pause) as self._server:
            try:
                yield self._server
            finally:
                self._back.set()

    def leave(self) -> None:
        """Be killed, and stay away."""
        pid = self._server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: self._server.pid is None)

    def come_back(self) -> None:
        """Answer again."""
        self._back.set()
        eventually(lambda: self._server.pid is not None)

    def _pause(self) -> float:
        self._back.wait()
        return 0.0


@pytest.mark.slow
def test_whatever_runs_while_postgresql_is_away_is_recorded_by_the_same_worker(
    runtime_folder: Path, tmp_path: Path
) -> None:
    server = Server(runtime_folder / f"away-{tmp_path.name}")
    with server.running() as postgres:
        made = install(postgres.settings.database, tmp_path)
        try:
            migrate(made.store)
            worker, web = made.worker(), made.web()
            number = start_numbered(made)
            with made.client() as client, ThreadPoolExecutor() as pool:
                path = f"/api/v1/deployments/{number}/events"
                stays, returns = Watcher(client, path), Watcher(client, path)
                watching = pool.submit(stays.watch)
                eventually(lambda: stays.names)
                returns.watch(pieces=3)

                server.leave()
                eventually(lambda: client.get("/readyz").status_code == 503)
                release(made)
                eventually((made.run_folder(number) / "rc").exists)
                # Each part has tried again and again in vain since the run is over.
                logged_again(worker, "queue.lost", 4)
                logged_again(web, "feed.disconnected", 4)
                assert [503, 503] == [
                    client.get(p).status_code for p in ("/readyz", path)
                ]
                server.come_back()

                eventually(lambda: client.get("/readyz").status_code == 200)
                eventually(lambda: made.view(number).deployment.ended)
                returns.watch()
                watching.result(timeout=PATIENCE)
            assert_complete(made, number)
            for watcher in (stays, returns):
                assert_everything(made, number, watcher)
            # The queue's own connections came back as well.
            assert Status.SUCCESSFUL is made.run("numbered").status
            assert (None, None) == (worker.exit_code, web.exit_code)
        finally:
            made.close()


# A process id is used again


@pytest.fixture
def stranger() -> Iterator[psutil.Process]:
    """A process that has nothing to do with us; it leads a session, and has a child."""
    script = "sleep 600 & echo begun; wait"
    with subprocess.Popen(
        ["/bin/sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True
    ) as started:
        assert started.stdout is not None
        assert b"begun\n" == started.stdout.readline()
        found = psutil.Process(started.pid)
        members = [found, *found.children()]
        yield found
        for process in members:
            process.kill()


def give_number_to(made: Installation, number: int, stranger: psutil.Process) -> None:
    """Let a run vanish, and its wrapper's number belong to somebody else by now."""
    made.kill_run(number)
    (made.run_folder(number) / "pid").write_text(f"{stranger.pid}\n")


def assert_unharmed(made: Installation, number: int, stranger: psutil.Process) -> None:
    assert "0\n" == stop(made.run_folder(number), COUNT).stdout
    assert "0\n" == stop(made.run_folder(number), "KILL").stdout
    living = [stranger, *stranger.children()]
    assert [psutil.STATUS_SLEEPING] * 2 == [process.status() for process in living]


def test_a_run_whose_number_another_process_has_got_vanished(
    installation: Installation, stranger: psutil.Process
) -> None:
    worker = installation.worker()
    number = start_numbered(installation)
    worker.kill()
    give_number_to(installation, number, stranger)
    cancel(installation, number)

    installation.worker()
    ended = installation.ended(number)

    assert (Status.FAILED, None, VANISHED) == (
        ended.status, ended.exit_code, ended.reason
    )  # fmt: skip
    assert_unharmed(installation, number, stranger)


def test_no_other_process_receives_the_signals_of_a_run(
    installation: Installation, stranger: psutil.Process
) -> None:
    """The run was being ended when its worker died; the next one goes on with that."""
    worker = worker_that_cancels(installation, DEAF)
    worker.kill()
    give_number_to(installation, 1, stranger)

    installation.worker()

    assert Status.CANCELED is canceled(installation, 1).status
    assert_unharmed(installation, 1, stranger)


# Processes of ours are killed


def test_web_and_worker_that_die_together_lose_nothing(
    installation: Installation,
) -> None:
    worker, web = installation.worker(), installation.web()
    number = start_numbered(installation)

    worker.kill()
    web.kill()
    journal_grows(installation, number)
    installation.worker()
    installation.web()
    grows(installation, number)
    release(installation)

    assert_complete(installation, number)
    with installation.client() as client:
        watcher = Watcher(client, f"/api/v1/deployments/{number}/events")
        watcher.watch()
        assert_everything(installation, number, watcher)


def test_a_job_that_was_fetched_and_not_started_is_requeued_at_once(
    installation: Installation,
) -> None:
    installation.write_service("hello", "#!/bin/sh\necho hello\n")
    number = installation.launch("hello")
    with psycopg.connect(installation.settings.database) as held:
        held.execute("SELECT FROM deployments WHERE id = %s FOR UPDATE", [number])
        worker = installation.worker()
        eventually(lambda: ["doing"] == job_states(installation))
        worker.kill()
        assert Status.QUEUED is installation.status(number)

    worker = installation.worker()

    assert Status.SUCCESSFUL is installation.ended(number).status
    # Nobody had to wait for the heartbeat of the first to grow old.
    assert "job.stalled" not in worker.log


def job_states(made: Installation) -> list[str]:
    with psycopg.connect(made.settings.database) as connection:
        found = connection.execute("SELECT status FROM procrastinate_jobs").fetchall()
    return [state for (state,) in found]
