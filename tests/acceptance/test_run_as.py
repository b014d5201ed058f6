"""The deploy user: FastDeploy starts the runs as another user by sudo."""

import grp
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.deployment import Status
from testing.accounts import DEPLOY, READERS, account
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.runs import cancel, canceled, left
from testing.sudo_host import BECOMES, Host
from testing.waiting import eventually

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can make users and write sudo's rules"
)
#: Prints its user and what it can read, and exits with 3.
SCRIPT = """#!/bin/sh
echo "user $(id -un)"
echo "umask $(umask)"
echo "folder $(pwd)"
stat -c 'config %a %U %G' "$2"
grep -q '"deployment_id"' "$2" && echo config is readable
cat "$other" 2>&1
env | sort
ls /proc/self/fd | tr '\\n' ' '
exit 3
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A deploy user with a group; nothing of them stays."""
    assert shutil.which("sudo"), "sudo is missing: tools/prepare-tests installs it"
    folder = Path(tempfile.mkdtemp(prefix="fastdeploy-switch-"))
    folder.chmod(0o755)
    rules = Path("/etc/sudoers.d", DEPLOY)
    with account(folder / "home"):
        made = Host(folder, folder / "runners", folder / "config", rules)
        made.runners.mkdir(mode=0o755)
        made.config_folder.mkdir(mode=0o711)
        try:
            yield made
        finally:
            rules.unlink(missing_ok=True)
            shutil.rmtree(folder)


@pytest.fixture(scope="module")
def switching(postgres: Postgres, host: Host) -> Iterator[Installation]:
    """An installation that runs everything as the deploy user.

    Its folder is in nobody's way: what is private is so by itself.
    """
    with installed(
        postgres, host.folder / "installation", run_as=DEPLOY,
        runners=host.runners, run_group=READERS, config_folder=host.config_folder,
        secret_key="k" * 40,
    ) as made:  # fmt: skip
        made.worker(SOME_CANARY="canary")
        yield made


def test_a_run_is_the_deploy_users_and_keeps_its_exit_code(
    switching: Installation, host: Host
) -> None:
    host.register(switching, "other", "#!/bin/sh\necho secret output\n")
    other = switching.run_folder(switching.run("other").id) / "journal"
    host.register(switching, "switched", SCRIPT.replace("$other", str(other)))

    ended = switching.run("switched")
    lines = switching.lines(ended.id)

    assert (Status.FAILED, 3) == (ended.status, ended.exit_code)
    assert f"user {DEPLOY}" in lines
    assert f"folder {host.runners}/switched" in lines
    assert f"config 640 root {READERS}" in lines
    assert "config is readable" in lines
    assert [line for line in lines if line.endswith("journal: Permission denied")]
    mark = f"FASTDEPLOY_RUN={switching.run_folder(ended.id)}"
    assert not [
        line for line in lines
        if ("FASTDEPLOY_" in line and line != mark) or "canary" in line
    ]  # fmt: skip
    assert ["0", "1", "2", "3"] == lines[-1].split()
    assert [] == list(host.config_folder.iterdir())


def test_the_deploy_user_gets_at_nothing_of_fastdeploys(
    switching: Installation, host: Host
) -> None:
    host.register(switching, "private", "#!/bin/sh\necho secret output\n")

    ended = switching.run("private")

    folder = switching.run_folder(ended.id)
    assert Status.SUCCESSFUL is ended.status
    assert b"secret output\n" == (folder / "journal").read_bytes()
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    assert 0o600 == stat.S_IMODE((folder / "journal").stat().st_mode)
    reading = subprocess.run(
        ["cat", folder / "journal", folder / "run.json"], capture_output=True,
        user=DEPLOY, group=pwd.getpwnam(DEPLOY).pw_gid, check=False,
        extra_groups=[grp.getgrnam(READERS).gr_gid],
    )  # fmt: skip
    assert b"" == reading.stdout
    assert reading.returncode


def test_a_refusal_of_sudo_fails_the_deployment_with_sudos_own_words(
    switching: Installation, host: Host
) -> None:
    host.register(switching, "refused", "#!/bin/sh\necho hello\n")
    host.withdraw()

    ended = switching.run("refused")

    assert Status.FAILED is ended.status
    assert 1 == ended.exit_code
    assert ended.reason.startswith("exit code 1: ")
    assert "root is not allowed to execute" in ended.reason
    assert [] == list(host.config_folder.iterdir())


def test_a_run_of_another_user_goes_on_without_its_worker(
    postgres: Postgres, tmp_path: Path, host: Host
) -> None:
    with installed(
        postgres, tmp_path, run_as=DEPLOY, runners=host.runners, run_group=READERS,
        config_folder=host.config_folder,
    ) as made:  # fmt: skip
        worker = made.worker()
        go = host.runners / "goes-on" / "go"
        host.register(
            made, "goes-on",
            "#!/bin/sh\necho begun\n"
            f"until [ -e {go} ]; do sleep 0.05; done\necho end\n",
        )  # fmt: skip
        number = made.launch("goes-on")
        eventually(lambda: made.output(number))

        worker.kill()
        go.touch()
        made.worker()
        ended = made.ended(number)

        assert (Status.SUCCESSFUL, 0) == (ended.status, ended.exit_code)
        assert b"begun\nend\n" == made.output(number)


# Stopping what another user runs


#: Leaves a child in a session of its own, that has no parent any more.
LEAVES = """#!/bin/sh
(env --default-signal=INT setsid sleep 600 &)
echo begun
exec sleep 600
"""


@pytest.fixture
def stopping(postgres: Postgres, host: Host) -> Iterator[Installation]:
    """An installation whose runs are another user's, and are stopped by root."""
    folder = host.folder / "stopping"
    host.stopped.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with installed(
            postgres, folder, run_as=DEPLOY, runners=host.runners, run_group=READERS,
            config_folder=host.config_folder, stop_helper=host.helper,
        ) as made:  # fmt: skip
            host.install_helper(made.settings.var)
            yield made
    finally:
        host.stop_rules.unlink(missing_ok=True)


def test_a_run_of_another_user_is_ended_with_all_it_left(
    stopping: Installation, host: Host
) -> None:
    stopping.worker()
    host.register(stopping, "leaves", LEAVES)
    number = stopping.launch("leaves")
    eventually(lambda: left(stopping, number).count("sleep 600") == 2)
    users = {process.username() for process in stopping.run_processes(number)}

    cancel(stopping, number)
    ended = canceled(stopping, number)

    assert DEPLOY in users
    assert ended.exit_code is not None
    calls = host.stopped.read_text().splitlines()
    folder = stopping.run_folder(number)
    assert f"{folder} INT" == calls[0]
    assert f"{folder} COUNT" == calls[-1]


def test_a_job_of_async_that_became_another_user_is_ended_with_its_run(
    postgres: Postgres, host: Host
) -> None:
    """Sudo keeps the mark by which it is found; it leads a session of its own."""
    host.write_rules(
        host.rules,
        f"Defaults>{DEPLOY} env_keep += FASTDEPLOY_RUN\n"
        f"root ALL=({DEPLOY}) NOPASSWD: ALL\n",
    )
    with installed(postgres, host.folder / "becoming") as made:
        made.worker()
        made.write_files("becomes", {"deploy.yml": BECOMES}, playbook="deploy.yml")
        number = made.launch("becomes")
        eventually(lambda: "sleep 600" in left(made, number))

        cancel(made, number)

        canceled(made, number)


@pytest.mark.parametrize(
    "asked",
    [
        "/etc KILL",
        "{runs}/1 STOP",
        "{runs}/1",
        "{runs}/../runs/1 KILL",
        "{runs}/1/../2 KILL",
        "{runs}/1 KILL KILL",
        "relative/runs/1 KILL",
    ],
)
def test_sudo_lets_nothing_else_be_stopped(
    stopping: Installation, host: Host, asked: str
) -> None:
    words = asked.format(runs=stopping.settings.runs).split()

    done = subprocess.run(
        ["sudo", "-n", host.helper, *words],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert 1 == done.returncode
    assert "not allowed to execute" in done.stderr
    assert not host.stopped.exists()


def test_the_helper_refuses_a_folder_that_is_not_a_run(
    stopping: Installation, host: Host
) -> None:
    folder = stopping.settings.runs / "42"

    done = subprocess.run(
        ["sudo", "-n", host.helper, folder, "KILL"],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert (2, "", f"{folder} is not a run\n") == (
        done.returncode, done.stdout, done.stderr
    )  # fmt: skip


def test_a_run_that_may_not_be_stopped_goes_on_to_its_own_end(
    stopping: Installation, host: Host
) -> None:
    worker = stopping.worker()
    go = host.runners / "unstoppable" / "go"
    host.register(
        stopping, "unstoppable",
        f"#!/bin/sh\necho begun\nuntil [ -e {go} ]; do sleep 0.05; done\n",
    )  # fmt: skip
    host.write_rules(host.stop_rules, host.stop_nothing)
    number = stopping.launch("unstoppable")
    eventually(lambda: stopping.output(number))

    cancel(stopping, number)
    eventually(lambda: "stop.refused" in worker.log)
    go.touch()
    ended = stopping.ended(number)

    assert (Status.SUCCESSFUL, 0) == (ended.status, ended.exit_code)
    assert b"begun\n" == stopping.output(number)
