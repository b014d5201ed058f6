"""A run that can't be started: the reason names what is missing."""

import os
import re
from contextlib import suppress
from pathlib import Path

import pytest

from app.domain.deployment import Status
from app.errors import LaunchFailed
from app.usecases import deploy
from app.worker import launch as launching
from app.worker.run import run_of
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.scripts import HELLO


def test_a_missing_script_is_named(fastdeploy: Installation) -> None:
    folder = fastdeploy.write_service("missing", HELLO)
    (folder / "deploy.py").unlink()

    reason = refused(fastdeploy, "missing")

    assert (
        "deploy.py is not in the service's folder; "
        "correct this and launch missing again"
    ) == reason


def test_a_removed_services_folder_is_named(fastdeploy: Installation) -> None:
    folder = fastdeploy.write_service("removed", HELLO)
    (folder / "deploy.py").unlink()
    (folder / "config.json").unlink()
    folder.rmdir()

    reason = refused(fastdeploy, "removed")

    assert (
        "config.json can't be read: No such file or directory; "
        "correct this and launch removed again"
    ) == reason


def test_a_script_that_is_not_executable_is_named(fastdeploy: Installation) -> None:
    folder = fastdeploy.write_service("not-executable", HELLO)
    (folder / "deploy.py").chmod(0o644)

    reason = refused(fastdeploy, "not-executable")

    assert (
        f"{folder}/deploy.py can't be executed; "
        f"allow it by `chmod +x {folder}/deploy.py`; "
        "correct this and launch not-executable again"
    ) == reason


@pytest.mark.parametrize("first", ["#!/nonexistent/python", "#! /nonexistent/python -u",
                                   "#!/bin/sh\r"])  # fmt: skip
def test_a_missing_interpreter_is_named(fastdeploy: Installation, first: str) -> None:
    name = f"interpreter-{abs(hash(first))}"
    folder = fastdeploy.write_service(name, f"{first}\necho hello\n")

    reason = refused(fastdeploy, name)

    interpreter = first[2:].strip(" ").split(" ")[0]
    assert (
        f"{folder}/deploy.py wants the interpreter {interpreter!r}, which is missing"
        == reason
    )


def test_a_script_without_an_interpreter_is_a_shell_script(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("no-interpreter", "echo hello\n")

    ended = fastdeploy.run("no-interpreter")

    assert b"hello\n" == fastdeploy.output(ended.id)
    assert Status.SUCCESSFUL is ended.status


def test_a_missing_config_folder_is_named(fastdeploy: Installation) -> None:
    fastdeploy.write_service("no-config-folder", HELLO)
    fastdeploy.config_folder.rmdir()
    try:
        reason = refused(fastdeploy, "no-config-folder")
    finally:
        fastdeploy.config_folder.mkdir()

    assert reason.startswith(f"{fastdeploy.config_folder}/fastdeploy-")
    assert reason.endswith(": No such file or directory")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            "size=4k",
            "the disk under FOLDER is full: 0 bytes free; make room .* and retry",
        ),
        ("ro", "FOLDER/fastdeploy-[0-9]+[.]json: Read-only file system"),
    ],
)
def test_a_config_folder_that_takes_no_file_is_named(
    installation: Installation, options: str, reason: str
) -> None:
    # A mount that only this worker sees, and that ends with it.
    folder = installation.config_folder
    mount = f"mount -t tmpfs -o {options} tmpfs {folder}"
    fill = f"cat /dev/zero >{folder}/filled"
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    installation.worker(
        ["unshare", "--mount", *as_root, "sh", "-c",
         f'{mount} || exit; {fill}; exec "$@"', "sh"]
    )  # fmt: skip
    installation.write_service("hello", HELLO)

    found = refused(installation, "hello")

    assert re.fullmatch(reason.replace("FOLDER", re.escape(str(folder))), found)


def test_a_user_that_does_not_exist_is_named(
    postgres: Postgres, tmp_path: Path
) -> None:
    with installed(postgres, tmp_path, run_as="nobody_at_all") as made:
        made.worker()
        made.write_service("hello", HELLO)

        reason = refused(made, "hello")

    assert reason == (
        "there is no user nobody_at_all; register the service on this host, "
        "or set FASTDEPLOY_RUN_AS to a user that exists"
    )


def test_a_group_that_does_not_exist_is_named(
    postgres: Postgres, tmp_path: Path
) -> None:
    with installed(postgres, tmp_path, run_group="no_group_at_all") as made:
        made.worker()
        made.write_service("hello", HELLO)

        reason = refused(made, "hello")

    assert reason.startswith("there is no group no_group_at_all; ")


def test_a_missing_sudo_is_named(postgres: Postgres, tmp_path: Path) -> None:
    with installed(postgres, tmp_path, run_as="nobody") as made:
        made.worker(PATH=str(tmp_path))
        made.write_service("hello", HELLO)

        reason = refused(made, "hello")

    assert "sudo is not installed, and runs belong to user nobody" == reason


def test_a_service_runs_as_the_user_it_was_registered_for(
    postgres: Postgres, tmp_path: Path
) -> None:
    """And not as the one of the settings, whose rights are others."""
    with installed(postgres, tmp_path, run_as="nobody") as made:
        made.worker()
        made.write_service("hello", HELLO, registration={"run_as": "its_own_user"})

        reason = refused(made, "hello")

    assert reason.startswith("there is no user its_own_user; ")


def refused(fastdeploy: Installation, name: str) -> str:
    """Return the reason why a launch fails; it leaves no config file."""
    number = fastdeploy.launch(name)
    ended = fastdeploy.ended(number)
    assert (Status.FAILED, None) == (ended.status, ended.exit_code)
    with suppress(FileNotFoundError):
        assert [] == list(fastdeploy.config_folder.iterdir())
    return ended.reason


def test_a_config_file_is_never_written_over_or_through_anything(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.write_service("hello", HELLO)
    number = installation.launch("hello")
    deployment = deploy.find(installation.store, number)
    victim = installation.config_folder.parent / "victim"
    victim.write_text("mine")
    monkeypatch.setattr("secrets.randbelow", lambda _: 7)
    taken = installation.config_folder / f"fastdeploy-{7:018}.json"

    taken.symlink_to(victim)
    with pytest.raises(LaunchFailed, match="File exists"):
        launching.launch(installation.settings, deployment, {})

    assert "mine" == victim.read_text()
    run_of(installation.settings, number).remove_config()
    assert taken.is_symlink()
    assert not run_of(installation.settings, number).begun
