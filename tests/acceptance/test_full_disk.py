"""A full disk: of PostgreSQL, of the runs and of their config files."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app.domain.deployment import Deployment, Status
from testing.disks import fill, small_disk
from testing.installation import Installation, installed
from testing.numbered import assert_complete, journal_grows, start_numbered
from testing.postgres import Postgres
from testing.processes import logged_again
from testing.runs import (
    CANCELED,
    cancel,
    left,
    release,
)
from testing.waiting import eventually


@contextmanager
def events_on(disk: Path, made: Installation) -> Iterator[None]:
    """Let PostgreSQL keep an installation's events on that disk."""
    with psycopg.connect(made.settings.database, autocommit=True) as database:
        found = database.execute("SHOW data_directory").fetchone()
        assert found is not None
        owner = Path(found[0]).stat()
        os.chown(disk, owner.st_uid, owner.st_gid)
        database.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        database.execute("ALTER TABLE events SET TABLESPACE small")
    yield
    with psycopg.connect(made.settings.database, autocommit=True) as database:
        database.execute("ALTER TABLE events SET TABLESPACE pg_default")
        database.execute("DROP TABLESPACE small")


def test_following_goes_on_where_it_was_when_postgresqls_disk_has_room_again(
    runtime_folder: Path, installation: Installation
) -> None:
    with (
        # Where PostgreSQL's own user gets through.
        small_disk(runtime_folder / "small", 4) as disk,
        events_on(disk, installation),
    ):
        worker = installation.worker()
        number = start_numbered(installation)

        filler = fill(disk)
        eventually(lambda: worker.log.count("No space left on device") > 3)
        offset = installation.view(number).deployment.journal_offset
        journal_grows(installation, number)
        release(installation)
        eventually((installation.run_folder(number) / "rc").exists)
        logged_again(worker, "No space left on device", 2)
        found = installation.view(number).deployment
        assert (Status.RUNNING, offset) == (found.status, found.journal_offset)
        filler.unlink()

        assert_complete(installation, number)
        assert worker.exit_code is None
        worker.kill()


#: Prints twice as much as the disk holds, then runs the line ENDING.
FILLS = f"""#!{sys.executable}
import os
print('{{"name": "begin", "state": "success"}}', flush=True)
for _ in range(2048):
    os.write(1, b"x" * 4095 + b"\\n")
ENDING
"""
STEPS = [{"name": "begin"}, {"name": "end"}]


@pytest.fixture
def cramped(postgres: Postgres, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose runs have little room, with a worker."""
    with (
        small_disk(tmp_path / "small", 4) as disk,
        installed(postgres, tmp_path / "made", var=disk) as made,
    ):
        made.worker()
        yield made


def full(made: Installation) -> str:
    """What the reason of a deployment says, as a pattern."""
    return (
        rf"the disk under {made.settings.runs} is full: \d+ bytes free; "
        r"make room \(fastdeploy deployment prune .*\) and retry"
    )


def fills(made: Installation, ending: str) -> int:
    """Launch what fills the disk."""
    made.write_service("fills", FILLS.replace("ENDING", ending), steps=STEPS)
    return made.launch("fills")


def test_a_run_that_finds_no_room_keeps_its_outcome_and_says_what_to_do(
    cramped: Installation,
) -> None:
    number = fills(cramped, "raise SystemExit(7)")

    ended = cramped.ended(number)

    assert (Status.FAILED, 7) == (ended.status, ended.exit_code)
    assert re.fullmatch(f"exit code 7: .*; {full(cramped)}", ended.reason)
    assert {"begin": "success", "end": "skipped"} == cramped.states(number)
    journal = (cramped.run_folder(number) / "journal").read_bytes()
    assert same_lines(journal, cramped.output(number))
    assert [] == list(cramped.config_folder.iterdir())


def same_lines(expected: bytes, found: bytes) -> bool:
    """Whether they are the same but for the newline that a last line may lack."""
    return expected.removesuffix(b"\n") == found.removesuffix(b"\n")


def test_a_run_that_succeeded_on_a_full_disk_has_succeeded(
    cramped: Installation,
) -> None:
    ended = cramped.ended(fills(cramped, "raise SystemExit(0)"))

    assert (Status.SUCCESSFUL, 0) == (ended.status, ended.exit_code)
    assert re.fullmatch(full(cramped), ended.reason)


def test_a_run_is_canceled_on_a_full_disk(cramped: Installation) -> None:
    number = fills(cramped, "import time; time.sleep(600)")
    eventually(lambda: shutil.disk_usage(cramped.settings.var).free == 0)

    cancel(cramped, number)
    ended = cramped.ended(number)

    assert (Status.CANCELED, 130) == (ended.status, ended.exit_code)
    assert re.fullmatch(f"{re.escape(CANCELED)}; {full(cramped)}", ended.reason)
    assert [] == left(cramped, number)


def test_a_launch_on_a_full_disk_fails_and_succeeds_after_cleanup(
    cramped: Installation,
) -> None:
    cramped.write_service("hello", "#!/bin/sh\necho hello\n")
    filler = fill(cramped.settings.var)

    # The second one shows that the first holds nothing up.
    ended = [cramped.run("hello") for _ in range(2)]
    filler.unlink()

    for refused in ended:
        assert (Status.FAILED, None) == (refused.status, refused.exit_code)
        assert re.fullmatch(full(cramped), refused.reason)
    assert [] == list(cramped.config_folder.iterdir())
    assert (Status.SUCCESSFUL, "") == outcome(cramped.run("hello"))


def test_a_full_disk_of_the_config_folder_is_reported_as_the_reason(
    postgres: Postgres, tmp_path: Path
) -> None:
    with (
        small_disk(tmp_path / "small", 1) as disk,
        installed(postgres, tmp_path / "made", config_folder=disk) as made,
    ):
        made.worker()
        made.write_service("hello", "#!/bin/sh\necho hello\n")
        filler = fill(disk)

        refused = made.run("hello")
        filler.unlink()

        assert (Status.FAILED, None) == (refused.status, refused.exit_code)
        assert refused.reason.startswith(f"the disk under {disk} is full: ")
        assert [] == list(disk.iterdir())
        assert (Status.SUCCESSFUL, "") == outcome(made.run("hello"))


def outcome(ended: Deployment) -> tuple[Status, str]:
    return ended.status, ended.reason
