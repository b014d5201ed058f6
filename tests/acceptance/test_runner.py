"""The runner as a process: how a run ends, by itself and by signals."""

import fcntl
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from testing.processes import living
from testing.runner import PATIENCE, Outcome, Service
from testing.runner_processes import assert_all_ended, of_ansible, of_this_run, sleeping
from testing.waiting import eventually

# The outcome


@pytest.mark.parametrize(
    ("playbook", "code", "says"),
    [
        pytest.param("failing.yml", 2, "undefined_variable", id="undefined"),
        pytest.param("syntax.yml", 4, "syntax.yml", id="syntax"),
        pytest.param("nobody.yml", 0, "no hosts matched", id="nobody"),
    ],
)
def test_the_exit_code_is_ansibles_own(
    service: Service, playbook: str, code: int, says: str
) -> None:
    service.define(playbook)

    outcome = service.run()

    assert code == outcome.code
    assert says in outcome.display + outcome.text
    assert ("successful" if code == 0 else "failed") == outcome.statuses[-1]


def test_an_unreachable_host_is_reported(service: Service) -> None:
    service.define("unreachable.yml", inventory="unreachable.hosts.yml")

    outcome = service.run()

    assert 4 == outcome.code
    assert outcome.named("runner_on_unreachable", "Ping")
    assert {"nowhere": 1} == outcome.named("playbook_on_stats")[0]["event_data"]["dark"]


def test_a_slow_reader_loses_nothing(service: Service) -> None:
    service.define("many.yml")
    process = service.start(subprocess.PIPE)
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
    journal = bytearray()
    # From here on, the runner waits for us again and again: a page is all there is.
    eventually(lambda: of_ansible(service), PATIENCE)
    while chunk := os.read(pipe, 4096):
        journal += chunk
    process.stdout.close()
    outcome = Outcome(process.wait(PATIENCE), bytes(journal))

    assert 0 == outcome.code
    assert 120 == len(outcome.named("runner_item_on_ok"))
    assert "successful" == outcome.statuses[-1]


def test_a_full_disk_does_not_change_the_outcome(service: Service) -> None:
    service.define("failing.yml")
    with Path("/dev/full").open("wb") as full:
        failed = service.start(full).wait(PATIENCE)
    service.define("nobody.yml")
    with Path("/dev/full").open("wb") as full:
        succeeded = service.start(full).wait(PATIENCE)

    assert (2, 0) == (failed, succeeded)


# Ending a run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_cancels_and_leaves_nobody(
    service: Service, number: signal.Signals
) -> None:
    service.define("sleep.yml")
    journal = service.home / "journal"
    with journal.open("wb") as stdout:
        process = service.start(stdout)
    eventually(lambda: sleeping(service), PATIENCE)

    process.send_signal(number)
    code = process.wait(PATIENCE)

    assert_all_ended(service)
    outcome = Outcome(code, journal.read_bytes())
    assert 254 == code
    assert ["starting", "running", "canceled"] == outcome.statuses


def test_a_cancel_comes_through_at_any_moment(service: Service) -> None:
    """Also while the run is prepared, or ansible-playbook is only starting."""
    service.define("sleep.yml")
    journal = service.home / "journal"

    def is_prepared() -> bool:
        return any(service.temp.iterdir())

    def is_starting() -> bool:
        return b'"starting"' in journal.read_bytes()

    for has_begun in (is_prepared, is_starting):
        with journal.open("wb") as stdout:
            process = service.start(stdout)
        eventually(has_begun, PATIENCE)

        process.terminate()

        assert 254 == process.wait(PATIENCE)
        assert_all_ended(service)
        assert "canceled" == Outcome(254, journal.read_bytes()).statuses[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_early_process_ends_with_the_runner(
    service: Service, number: signal.Signals
) -> None:
    """It begins to import Ansible before the runner handles signals."""
    service.define("sleep.yml")
    with (service.home / "journal").open("wb") as stdout:
        process = service.start(stdout)
    eventually(lambda: of_ansible(service), PATIENCE)

    process.send_signal(number)

    process.wait(PATIENCE)
    eventually(lambda: not of_ansible(service))


def test_a_run_that_exceeds_its_timeout_is_ended(service: Service) -> None:
    service.define("sleep.yml", timeout=2)

    outcome = service.run()

    assert 254 == outcome.code
    assert "timeout" == outcome.statuses[-1]
    assert_all_ended(service)


def test_ansible_gets_no_descriptor_of_its_callers(service: Service) -> None:
    """The lock of a run is one: a process that has it open keeps the run alive."""
    service.define("sleep.yml")
    lock = service.home / "lock"
    with (service.home / "journal").open("wb") as stdout, lock.open("wb") as held:
        process = service.start(stdout, pass_fds=[held.fileno()])
    eventually(lambda: sleeping(service), PATIENCE)

    holders = living(
        lambda found: (
            found.environ().get("HOME") == str(service.home)
            and str(lock) in {file.path for file in found.open_files()}
        )
    )
    process.terminate()

    assert [process.pid] == [holder.pid for holder in holders]
    assert 254 == process.wait(PATIENCE)


def test_ansible_ends_when_its_runner_is_killed(service: Service) -> None:
    """Nobody would see what it does; it ends at its next event."""
    service.define("many.yml")
    process = service.start(subprocess.DEVNULL)
    eventually(lambda: len(of_this_run(service)) > 1)

    process.kill()
    process.wait(PATIENCE)

    eventually(lambda: not of_this_run(service))
    for left in service.temp.iterdir():
        shutil.rmtree(left)
