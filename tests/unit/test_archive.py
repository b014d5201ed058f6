"""A backup that is foreign, damaged or hostile is refused in one sentence."""

import gzip
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from testing.backup_archive import (
    DUMP,
    FOREIGN,
    HOSTILE,
    MANIFEST,
    SETTINGS,
    call,
    encrypted,
    half,
    member,
    oddly_packed,
    other,
    packed,
    refusal,
    with_more,
    without,
    write,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "backup.zip"


def test_a_backup_is_what_was_there(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source"
    (source / "runs/1").mkdir(parents=True)
    (source / "runs/1/journal").write_text("one\n")
    (source / "runs/1/journal").chmod(0o6755)
    (source / "runs/1/latest").symlink_to("journal")
    (source / "runs/left-out.key").write_text("secret")
    plan = {
        "manifest": MANIFEST,
        "dump": ["printf", "%s", DUMP.decode()],
        "include": [f"{source}/r*", f"{source}/nothing"],
        "exclude": ["*.key"],
    }

    made = call("make", path, plan=plan)
    inspected = call("inspect", path)

    assert (0, "") == (made.returncode, made.stderr)
    assert 0o600 == path.stat().st_mode & 0o777
    manifest = json.loads(inspected.stdout)
    assert MANIFEST == {name: manifest[name] for name in MANIFEST}
    with zipfile.ZipFile(path) as backup:
        assert DUMP == backup.read("database.dump")
        content = io.BytesIO(backup.read("files.tar.gz"))
    with tarfile.open(fileobj=content) as files:
        runs = f"{source}/runs"[1:]
        assert [runs, f"{runs}/1", f"{runs}/1/journal", f"{runs}/1/latest"] == (
            files.getnames()
        )
        assert 0o755 == files.getmember(f"{runs}/1/journal").mode


def test_without_its_database_there_is_no_backup(path: Path) -> None:
    plan = {"manifest": MANIFEST, "dump": ["false"], "include": [], "exclude": []}

    assert refusal("make", path, plan=plan) == "The database can't be dumped."

    assert FOREIGN in refusal("inspect", path)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        pytest.param(lambda path: path, "does not exist", id="nothing"),
        pytest.param(lambda path: path.parent, "Is a directory", id="folder"),
        pytest.param(lambda path: other(path, b""), FOREIGN, id="empty"),
        pytest.param(lambda path: other(path, b"PK" * 900), FOREIGN, id="foreign"),
        pytest.param(
            lambda path: other(path, gzip.compress(b"x")), FOREIGN, id="another-kind"
        ),
        pytest.param(half, FOREIGN, id="half"),
        pytest.param(encrypted, "is encrypted, or compressed", id="encrypted"),
        pytest.param(oddly_packed, "is encrypted, or compressed", id="packed"),
        pytest.param(
            lambda path: without(path, "database.dump"), FOREIGN, id="no-database"
        ),
        pytest.param(
            lambda path: without(path, "manifest.json"), FOREIGN, id="no-manifest"
        ),
        pytest.param(with_more, FOREIGN, id="a-member-too-many"),
        pytest.param(lambda path: write(path, b"no tar"), FOREIGN, id="files-no-tar"),
        pytest.param(
            lambda path: write(path, packed(member("a"), member("b"))[:-30]),
            FOREIGN,
            id="files-cut-off",
        ),
        pytest.param(
            lambda path: write(path, members={"database.dump": {}, "files.tar.gz": {}}),
            "is damaged: the checksum of database.dump differs.",
            id="another-database",
        ),
    ],
)
def test_a_file_that_is_not_a_backup_is_refused_in_a_sentence(
    path: Path, spoil: Callable[[Path], Path], sentence: str
) -> None:
    assert sentence in refusal("inspect", spoil(path))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"format": 2}, "was made by a newer FastDeploy"),
        ({"format": True}, FOREIGN),
        ({"format": "1"}, FOREIGN),
        ({"host": None}, "its manifest has no valid host"),
        ({"schema": 7}, "its manifest has no valid schema"),
        ({"secrets": "no"}, "its manifest has no valid secrets"),
        ({"withheld": [1]}, "its manifest has no valid withheld"),
        ({"members": {}}, "names other members"),
        ({"settings": []}, "its manifest has no valid settings"),
        ({"settings": {}}, "the variable fastdeploy_service_name is missing"),
        (
            {"settings": SETTINGS | {"ansible_connection": "local"}},
            "'ansible_connection' is not a variable of FastDeploy",
        ),
        ({"settings": SETTINGS | {"fastdeploy_user": 0}}, "fastdeploy_user is missing"),
        ({"users": {"deploy": "run"}}, "its manifest has no valid users"),
        ({"users": ["deploy"]}, "its manifest has no valid users"),
        (
            {"users": [{"name": "root", "run_group": "run"}]},
            "'root' can't be used as a name",
        ),
        (
            {"users": [{"name": "../etc", "run_group": "run"}]},
            "'../etc' can't be used as a name",
        ),
        (
            {"users": [{"name": "deploy\n", "run_group": "run"}]},
            "'deploy\\n' can't be used as a name",
        ),
    ],
    ids=str,
)
def test_a_manifest_that_is_not_ours_is_refused(
    path: Path, changed: dict[str, Any], sentence: str
) -> None:
    assert sentence in refusal("inspect", write(path, **changed))


@pytest.mark.parametrize("files", HOSTILE.values(), ids=HOSTILE)
def test_files_that_lead_elsewhere_are_refused(
    path: Path, files: list[tarfile.TarInfo]
) -> None:
    assert refusal("inspect", write(path, packed(*files))).startswith("The backup has ")


ALLOWED = ["/var/lib/fastdeploy/runs", "/etc/sudoers.d/fastdeploy*"]


@pytest.mark.parametrize(
    "files",
    [
        [member("etc/passwd")],
        [member("etc/sudoers.d/other")],
        [member("var/lib/fastdeploy/runs-of-others")],
        [
            member("var/lib/fastdeploy/runs/1"),
            member("var/lib/fastdeploy/runs/2", tarfile.LNKTYPE, "etc/shadow"),
        ],
    ],
    ids=lambda files: files[-1].linkname or files[-1].name,
)
def test_nothing_is_touched_if_a_file_is_not_allowed(
    tmp_path: Path, path: Path, files: list[tarfile.TarInfo]
) -> None:
    kept, loaded = tmp_path / "kept", tmp_path / "loaded"
    kept.touch()
    plan = {
        "allowed": ALLOWED,
        "replaced": [str(kept)],
        "load": ["sh", "-c", f"cat >{loaded}"],
    }

    said = refusal("unpack", write(path, packed(*files)), plan=plan)

    assert f"The backup has a file that isn't allowed: '/{files[-1].name}'." == said
    assert (True, False) == (kept.exists(), loaded.exists())


def test_no_file_is_touched_if_the_database_is_refused(
    tmp_path: Path, path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.touch()
    plan = {"allowed": ["/etc"], "replaced": [str(kept)], "load": ["false"]}

    said = refusal("unpack", write(path), plan=plan)

    assert "The database can't be restored." == said
    assert kept.exists()


def test_damage_anywhere_has_a_sentence(path: Path) -> None:
    """Never a traceback, whatever byte is another one."""
    chance = random.Random(7)
    whole = write(path).read_bytes()
    for _ in range(12):
        content = bytearray(whole)
        for _ in range(3):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)

        done = call("inspect", path)

        # Dates and the like mean nothing.
        assert done.returncode == 0 or 1 == len(done.stderr.splitlines()), done.stderr
