"""Canceling a run: all of it goes, wherever it went, and the record says so."""

import sys
from pathlib import Path

import httpx
import psutil
import pytest

from app.domain.deployment import Status
from app.errors import Conflict
from app.runner.stop import cgroup_of
from testing.command_line import assert_refused, command
from testing.installation import Installation
from testing.processes import living
from testing.runs import (
    CANCELED,
    cancel,
    canceled,
    left,
    start_script,
    stop,
)
from testing.scripts import SLEEPS
from testing.sleeping import (
    PAUSES,
    STEPS,
    sleepers,
    write_sleeping_playbook,
)
from testing.waiting import eventually

#: Ignores what can be ignored, and so do its children, in sessions of their own.
STUBBORN = f"""#!{sys.executable}
import os, signal, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
print("begun", flush=True)
time.sleep(600)
"""
#: Waits for a job of `async`.
POLLS = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Wait for a job
      ansible.builtin.command: sleep 600
      async: 900
      poll: 1
"""


# What is ended


def test_a_script_is_ended_and_its_steps_stay_as_they_stood(
    fastdeploy: Installation,
) -> None:
    number = start_script(fastdeploy, "script", SLEEPS, steps=STEPS)
    eventually(lambda: fastdeploy.states(number)["work"] == "running")

    cancel(fastdeploy, number)
    ended = canceled(fastdeploy, number)

    assert 130 == ended.exit_code
    assert {"prepare": "success", "work": "failure", "never": "skipped"} == (
        fastdeploy.states(number)
    )
    work = fastdeploy.view(number).steps[1]
    assert CANCELED == work.message
    assert f"canceled: {CANCELED}" == fastdeploy.events(number)[-1].text


def test_a_playbook_is_ended_on_all_of_its_forks(fastdeploy: Installation) -> None:
    write_sleeping_playbook(fastdeploy, "forks")
    number = fastdeploy.launch("forks")
    eventually(lambda: len(sleepers(fastdeploy, number)) == 5)

    cancel(fastdeploy, number)
    canceled(fastdeploy, number)

    states = fastdeploy.states(number)
    assert ("success", "skipped") == (states["prepare"], states["never"])
    assert "failure" == states["work"]


@pytest.mark.slow
def test_what_ignores_every_other_signal_is_killed(fastdeploy: Installation) -> None:
    number = start_script(fastdeploy, "stubborn", STUBBORN)
    eventually(lambda: len(left(fastdeploy, number)) == 5)

    cancel(fastdeploy, number)
    ended = canceled(fastdeploy, number)

    assert 137 == ended.exit_code


def test_a_deployment_is_canceled_as_soon_as_it_has_started(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("early", SLEEPS)

    for _ in range(10):
        number = fastdeploy.launch("early")
        taken(fastdeploy, number)
        cancel(fastdeploy, number)
        canceled(fastdeploy, number)


def taken(made: Installation, number: int) -> None:
    """Wait until a worker has taken a deployment, and not a moment longer."""
    eventually(lambda: made.status(number) is not Status.QUEUED)


def test_a_run_that_exits_with_0_after_the_signal_was_canceled(
    fastdeploy: Installation,
) -> None:
    obeys = "#!/bin/sh\ntrap 'exit 0' INT\necho begun\nwhile :; do sleep 0.05; done\n"
    number = start_script(fastdeploy, "obeys", obeys)

    cancel(fastdeploy, number)

    assert 0 == canceled(fastdeploy, number).exit_code


def test_what_a_run_left_behind_is_ended_with_it(fastdeploy: Installation) -> None:
    script = f"""#!{sys.executable}
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("begun", flush=True)
        time.sleep(600)
    os._exit(0)
os.wait()
time.sleep(600)
"""
    number = start_script(fastdeploy, "leaves", script)

    cancel(fastdeploy, number)

    canceled(fastdeploy, number)


def test_what_hides_from_its_run_is_found_in_its_cgroup(
    installation: Installation,
) -> None:
    """A session of its own, no parent, and nothing left of its environment."""
    script = f"""#!{sys.executable}
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("begun", flush=True)
        os.execve("/bin/sleep", ["sleep", "600"], {{}})
    os._exit(0)
os.wait()
os.execv("/bin/sleep", ["sleep", "600"])
"""
    # systemd would set it; without systemd, root may have cgroups all the same.
    installation.worker(INVOCATION_ID="0" * 32)
    number = start_script(installation, "hides", script)
    if not in_cgroup(installation, number):
        pytest.skip("no cgroup of systemd's tree can be made here")
    eventually(lambda: in_cgroup(installation, number).count("sleep 600") == 2)
    assert ["sleep 600"] == [c for c in left(installation, number) if "sleep" in c]

    cancel(installation, number)

    canceled(installation, number)
    assert [] == in_cgroup(installation, number)


def in_cgroup(made: Installation, number: int) -> list[str]:
    """What the living processes run that are in the cgroup of a run."""
    name = cgroup_of(made.run_folder(number))
    words: list[str] = []

    def belongs(process: psutil.Process) -> bool:
        if name not in Path(f"/proc/{process.pid}/cgroup").read_text():
            return False
        words.append(" ".join(process.cmdline()))
        return True

    living(belongs)
    return words


# When it is asked for


def test_what_has_ended_stays_as_it_is(fastdeploy: Installation) -> None:
    fastdeploy.write_service("ended", "#!/bin/sh\necho hello\n")
    ended = fastdeploy.run("ended")
    was = fastdeploy.events(ended.id)

    with pytest.raises(Conflict, match="has ended already: successful"):
        cancel(fastdeploy, ended.id)

    assert ended == fastdeploy.view(ended.id).deployment
    assert was == fastdeploy.events(ended.id)


# Time limits


@pytest.mark.parametrize("playbook", [PAUSES, POLLS], ids=["pause", "async"])
def test_a_task_that_waits_and_a_job_of_async_are_ended_with_their_run(
    installation: Installation, playbook: str
) -> None:
    installation.worker()
    installation.write_files("waits", {"deploy.yml": playbook}, playbook="deploy.yml")
    number = installation.launch("waits")
    eventually(lambda: sleepers(installation, number))

    cancel(installation, number)

    canceled(installation, number)


# By whom


def test_the_api_accepts_it_and_says_who_asked(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    number = start_script(fastdeploy, "by-api", SLEEPS)

    accepted = client.post(f"/api/v1/deployments/{number}/cancel")
    ended = fastdeploy.ended(number)
    refused = client.post(f"/api/v1/deployments/{number}/cancel")

    assert 202 == accepted.status_code
    asked = accepted.json()
    assert number == asked["id"]
    assert asked["cancel_requested_by"].startswith("token ")
    assert f"canceled by {asked['cancel_requested_by']}" == ended.reason
    assert 409 == refused.status_code
    reason = f"deployment {number} has ended already: canceled"
    assert {
        "title": "Conflict",
        "status": 409,
        "detail": reason,
        "error": reason,
    } == refused.json()


def test_the_command_line_says_what_happens(fastdeploy: Installation) -> None:
    number = start_script(fastdeploy, "by-command", SLEEPS)
    waiting = fastdeploy.launch("by-command")

    queued = command(fastdeploy, "deployment", "cancel", str(waiting))
    running = command(fastdeploy, "deployment", "cancel", str(number))
    ended = fastdeploy.ended(number)
    again = command(fastdeploy, "deployment", "cancel", str(number))

    assert f"deployment {waiting} is canceled\n" == queued.stdout
    assert f"deployment {number} is being canceled\n" == running.stdout
    assert Status.CANCELED is ended.status
    assert_refused(again, f"deployment {number} has ended already: canceled")


# The program that root's helper calls


def test_it_counts_the_processes_of_a_run(fastdeploy: Installation) -> None:
    number = start_script(fastdeploy, "counted", SLEEPS)

    done = stop(fastdeploy.run_folder(number), "COUNT")

    assert (0, "1\n") == (done.returncode, done.stdout)
    cancel(fastdeploy, number)
    canceled(fastdeploy, number)
    assert "0\n" == stop(fastdeploy.run_folder(number), "COUNT").stdout


def test_it_refuses_a_folder_that_is_not_a_run(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()

    for folder in (tmp_path / "runs", tmp_path / "nothing", Path("runs/1")):
        done = stop(folder, "KILL")
        assert (2, f"{folder} is not a run\n") == (done.returncode, done.stderr)
