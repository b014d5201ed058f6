"""`up`: everything starts, a signal ends all of it, and one runs at a time."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from app.sockets import listen
from testing.paths import ROOT
from testing.ports import free_port
from testing.processes import Process, living
from testing.waiting import PATIENCE, eventually

UP = [sys.executable, "-m", "app", "up"]
#: As a shell without job control starts what it puts into the background.
IN_THE_BACKGROUND = ["sh", "-c", "trap '' INT; exec nohup ./justw up"]


@pytest.fixture
def var(runtime_folder: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder for an embedded PostgreSQL: its own user must be able to get there."""
    folder = runtime_folder / tmp_path.name
    yield folder
    for process in of_installation(folder):
        process.kill()


def test_up_starts_everything_and_ctrl_c_ends_everything(
    var: Path, tmp_path: Path
) -> None:
    first = up(var, tmp_path, "first")
    password = re.search(r"Log in as admin with the password (\S+)", first.log)
    assert password is not None
    url = re.findall(r"FastDeploy is at (\S+)", first.log)[0]
    with httpx.Client(base_url=url, timeout=PATIENCE) as browser:
        eventually(lambda: answers(browser))
        form = {"name": "admin", "password": password[1]}
        assert 303 == browser.post("/login", data=form).status_code
    env = {"FASTDEPLOY_VAR": str(var)}
    deployed = subprocess.run(
        [sys.executable, "-m", "app", "deploy", "hello", "--follow"], cwd=ROOT,
        env=os.environ | env, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (0, "") == (deployed.returncode, deployed.stderr)
    # The command doesn't have the setting of the port.
    assert f"{url}deployments/1\n" in deployed.stdout
    interrupt(first)
    eventually(lambda: not of_installation(var))
    assert "Failed" not in first.log

    second = up(var, tmp_path, "second")
    assert "password" not in second.log
    interrupt(second)
    eventually(lambda: not of_installation(var))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_justw_up_in_the_background_ends_everything(
    number: signal.Signals, var: Path, tmp_path: Path
) -> None:
    started = up(var, tmp_path, "background", IN_THE_BACKGROUND)

    os.kill(started.pid, number)

    assert 0 == started.wait(), started.log
    eventually(lambda: not of_installation(var))
    listen("127.0.0.1", port_of(started)).close()


def test_a_second_up_names_the_process_that_holds_the_folder(
    var: Path, tmp_path: Path
) -> None:
    first = up(var, tmp_path, "first")

    env = os.environ | {"FASTDEPLOY_VAR": str(var)}
    second = subprocess.run(UP, cwd=ROOT, env=env, check=False, capture_output=True)

    assert 1 == second.returncode
    assert second.stderr.decode() == (
        f"fastdeploy: process {first.pid} runs FastDeploy in {var}; stop it by "
        f"`kill {first.pid}`, or set FASTDEPLOY_VAR to a folder of its own\n"
    )
    interrupt(first)


def test_web_and_worker_end_with_a_killed_up_and_the_next_recovers(
    var: Path, tmp_path: Path
) -> None:
    killed = up(var, tmp_path, "killed")

    killed.kill()
    eventually(lambda: not any(map(is_part, of_installation(var))))
    following = up(var, tmp_path, "following", FASTDEPLOY_PORT=str(port_of(killed)))

    assert f"process {killed.pid}, which ran FastDeploy here, was killed" in (
        following.log
    )
    url = f"http://127.0.0.1:{port_of(killed)}"
    with httpx.Client(base_url=url, timeout=PATIENCE) as browser:
        eventually(lambda: answers(browser))
    interrupt(following)
    eventually(lambda: not of_installation(var))


def is_part(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "app.up_child" in process.cmdline()
    return False


def up(
    var: Path, folder: Path, name: str, command: Sequence[str] = UP, **more: str
) -> Process:
    """Start everything, and return it once it says where it is."""
    env = os.environ | {"FASTDEPLOY_VAR": str(var), "FASTDEPLOY_PORT": str(free_port())}
    log = folder / f"{name}.log"
    started = Process(command, env | more, log)
    eventually(lambda: "FastDeploy is at" in started.log or started.exit_code)
    assert started.exit_code is None, started.log
    return started


def port_of(started: Process) -> int:
    return int(re.findall(r"FastDeploy is at \S+:(\d+)/", started.log)[0])


def interrupt(started: Process) -> None:
    os.kill(started.pid, signal.SIGINT)
    assert 0 == started.wait(), started.log


def answers(browser: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return browser.get("/readyz").status_code == 200
    return False


def of_installation(var: Path) -> list[psutil.Process]:
    """Every process that has to do with this folder."""

    def belongs(process: psutil.Process) -> bool:
        folder = process.environ().get("FASTDEPLOY_VAR", "")
        return any(
            str(var) in word for word in [*process.cmdline(), folder, process.cwd()]
        )

    return living(belongs)
