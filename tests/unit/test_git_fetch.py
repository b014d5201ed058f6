"""Fetching a git repository: what goes wrong, and what happens at once."""

import fcntl
import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from app.runner import git_fetch
from app.runner.errors import RunnerError
from app.runner.git_mirror import Mirror
from app.runner.git_source import GitSource
from testing.git_example import PATIENCE, Example, names_in, refs_of
from testing.git_repository import GitRepository


def test_programs_that_the_environment_configures_are_not_executed(
    own: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/executed\n")
    program.chmod(0o755)
    for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_ASKPASS", "GIT_SSH"):
        monkeypatch.setenv(name, str(program))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    hook = own.mirror.git_dir / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    shutil.copy(program, hook)
    own.repository.git("branch", "new", GIT_DIR=str(own.repository.folder / ".git"))

    own.mirror.fetch(PATIENCE)
    own.mirror.stat(own.first, own.third)

    assert "refs/heads/new" in refs_of(own.mirror)
    assert not (tmp_path / "executed").exists()


def test_an_unreachable_repository_is_reported_and_leaves_no_mirror(
    tmp_path: Path,
) -> None:
    url = str(tmp_path / "infra")
    mirror = Mirror(GitSource(url), tmp_path / "mirror")

    with pytest.raises(RunnerError, match="does not appear to be a git repository"):
        mirror.fetch(PATIENCE)

    assert not mirror.exists
    with pytest.raises(RunnerError, match="was not fetched yet"):
        mirror.refs()


def test_a_repository_that_vanished_keeps_its_mirror(own: Example) -> None:
    own.repository.folder.rename(own.repository.folder.with_name("moved"))

    with pytest.raises(RunnerError, match=r"can't be reached: .*does not appear"):
        own.mirror.fetch(PATIENCE)

    assert own.third == own.mirror.resolve("main").commit


@pytest.mark.parametrize("scheme", ["http", "git", "ssh"])
def test_a_port_that_refuses_connections_is_reported(
    scheme: str, tmp_path: Path
) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))  # and doesn't listen
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/infra"
        with pytest.raises(RunnerError, match=f"^{url} can't be reached: .*onnect"):
            Mirror(GitSource(url), tmp_path / "mirror").fetch(PATIENCE)


def test_a_repository_that_never_answers_exceeds_the_timeout(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/infra"
        mirror = Mirror(GitSource(url), tmp_path / "mirror")
        with pytest.raises(RunnerError, match=r"can't be reached: .* took more than"):
            mirror.fetch(0.3)

    assert not mirror.exists


def test_a_url_that_names_a_transport_is_refused_and_not_executed(
    tmp_path: Path,
) -> None:
    url = f"ext::touch {tmp_path}/executed"

    with pytest.raises(RunnerError, match="names a transport"):
        Mirror(GitSource(url), tmp_path / "mirror").fetch(PATIENCE)

    assert [] == list(tmp_path.iterdir())


def test_a_shallow_clone_is_refused(example: Example, tmp_path: Path) -> None:
    GitRepository(tmp_path).git(
        "clone", "-q", "--depth=1", f"file://{example.repository.folder}", "shallow"
    )
    mirror = Mirror(GitSource(str(tmp_path / "shallow")), tmp_path / "mirror")

    with pytest.raises(RunnerError, match="git fetch --unshallow"):
        mirror.fetch(PATIENCE)

    assert not mirror.exists


def test_an_empty_repository_has_no_refs(tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "infra")
    mirror = Mirror(GitSource(str(repository.folder)), tmp_path / "mirror")

    mirror.fetch(PATIENCE)

    assert [] == mirror.refs()
    with pytest.raises(RunnerError, match="has no allowed branch or tag"):
        mirror.resolve("main")


def test_a_repository_of_another_user_can_be_fetched(own: Example) -> None:
    # Git compares the owner of the folder, which only root can change, with the user.
    if os.geteuid() == 0:
        os.chown(own.repository.folder / ".git", 65534, -1)
        os.chown(own.repository.folder, 65534, -1)

    own.mirror.fetch(PATIENCE)

    assert own.third == own.mirror.resolve("main").commit


def test_what_a_killed_fetch_has_left_does_not_prevent_the_next_one(
    own: Example,
) -> None:
    for name in ("HEAD.lock", "packed-refs.lock", "refs/heads/main.lock"):
        lock = own.mirror.git_dir / name
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    part = own.mirror.git_dir / "objects" / "pack" / "tmp_pack_x"
    part.touch()
    (own.mirror.git_dir.parent / "mirror.git.new").mkdir()
    own.repository.git("reset", "-q", "--hard", own.first)

    own.mirror.fetch(PATIENCE)

    assert own.first == own.mirror.resolve("main").commit
    assert not part.exists()
    assert ["mirror.git", "mirror.lock"] == names_in(own.mirror.git_dir.parent)


def test_a_fetch_waits_for_another_one_until_its_timeout(own: Example) -> None:
    with (own.mirror.git_dir.parent / "mirror.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunnerError, match="Another process has been fetching"):
            own.mirror.fetch(0.1)


def test_concurrent_first_fetches_create_one_mirror(
    example: Example, tmp_path: Path
) -> None:
    mirror = Mirror(example.mirror.source, tmp_path)
    threads = [
        threading.Thread(target=mirror.fetch, args=(PATIENCE,)) for _ in range(3)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refs_of(example.mirror) == refs_of(mirror)
    assert ["mirror.git", "mirror.lock"] == names_in(tmp_path)


def test_many_fetches_leave_few_packs_and_keep_removed_commits(
    own: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_fetch, "MAX_PACKS", 2)
    for number in range(4):
        own.repository.commit(f"Change {number}", {"site.yml": f"# {number}\n"})
        own.repository.git("branch", "-f", "moving")
        own.mirror.fetch(PATIENCE)
    last = own.repository.git("rev-parse", "moving")
    own.repository.git("reset", "-q", "--hard", own.first)
    own.repository.git("branch", "-D", "-q", "moving")
    own.mirror.fetch(PATIENCE)

    packs = list((own.mirror.git_dir / "objects" / "pack").glob("*.pack"))

    assert len(packs) <= 2
    assert b"# 3\n" == own.mirror.read(last, "site.yml")
