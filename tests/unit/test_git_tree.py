"""Read-only trees: one for each commit, complete or not there."""

import os
import stat
import threading
from pathlib import Path

import pytest

from app.runner import git_tree
from app.runner.errors import RunnerError
from app.runner.git_mirror import Mirror
from testing.git_repository import GitRepository
from testing.git_trees import (
    FILES,
    copy_repository,
    fetch_commit,
    make_mirror,
    make_source,
    names_in,
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    return make_source(tmp_path_factory.mktemp("tree") / "infra")


@pytest.fixture
def repository(source: GitRepository, tmp_path: Path) -> GitRepository:
    return copy_repository(source, tmp_path / "infra")


@pytest.fixture
def mirror(repository: GitRepository, tmp_path: Path) -> Mirror:
    return make_mirror(repository, tmp_path / "mirror")


@pytest.fixture
def commit(mirror: Mirror) -> str:
    return mirror.resolve("main").commit


def trees_of(mirror: Mirror) -> Path:
    return mirror.git_dir.parent / "trees"


def test_a_tree_equals_its_commit(mirror: Mirror, commit: str) -> None:
    tree = mirror.tree(commit)

    assert FILES == {name: (tree / name).read_text() for name in FILES}
    assert "roles/../run.sh" == str((tree / "link").readlink())
    assert [
        ".gitattributes", "link", "loop", "pointer.txt", "roles", "run.sh",
        "secret.txt", "version.txt", "\udcff.txt",
    ] == names_in(tree)  # fmt: skip


def test_a_tree_is_read_only_and_private(mirror: Mirror, commit: str) -> None:
    tree = mirror.tree(commit)

    modes = {
        name: stat.S_IMODE((tree / name).stat().st_mode)
        for name in ("", "roles", "roles/web/tasks", "secret.txt", "run.sh")
    }
    assert {
        "": 0o555, "roles": 0o555, "roles/web/tasks": 0o555, "secret.txt": 0o444,
        "run.sh": 0o555,
    } == modes  # fmt: skip
    assert 0o700 == stat.S_IMODE(tree.parent.stat().st_mode)
    assert 0o700 == stat.S_IMODE(mirror.git_dir.parent.stat().st_mode)


def test_a_tree_is_made_once(mirror: Mirror, commit: str) -> None:
    first = mirror.tree(commit).stat()

    assert first == mirror.tree(commit).stat()


def test_concurrent_callers_get_one_complete_tree(mirror: Mirror, commit: str) -> None:
    found = []

    def call() -> None:
        tree = mirror.tree(commit)
        found.append((tree.stat().st_ino, (tree / "run.sh").read_text()))

    threads = [threading.Thread(target=call) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 5 == len(found)
    assert 1 == len(set(found))
    assert [".lock", commit, f"{commit}.boot"] == names_in(trees_of(mirror))


def test_what_a_killed_process_has_left_is_not_taken_for_a_tree(
    mirror: Mirror, commit: str
) -> None:
    trees = trees_of(mirror)
    half = trees / ".new-half" / "roles"
    half.mkdir(parents=True)
    half.chmod(0o555)
    unmarked = trees / commit / "roles"
    unmarked.mkdir(parents=True)

    tree = mirror.tree(commit)

    assert "kept\n" == (tree / "secret.txt").read_text()
    assert [".lock", commit, f"{commit}.boot"] == names_in(trees)


def test_a_tree_is_made_again_after_a_restart_of_the_host(
    mirror: Mirror, commit: str
) -> None:
    tree = mirror.tree(commit)
    (tree / "secret.txt").chmod(0o644)
    (tree / "secret.txt").write_text("")
    marker = tree.with_name(f"{commit}.boot")
    current = marker.read_text()
    marker.write_text("00000000-0000-0000-0000-000000000000\n")

    assert "kept\n" == (mirror.tree(commit) / "secret.txt").read_text()
    assert current == marker.read_text()


def test_a_tree_that_cannot_be_written_leaves_nothing(
    mirror: Mirror, commit: str
) -> None:
    blob = mirror.git_dir / "objects"
    mirror.tree(commit)
    mirror.prune([])
    for pack in blob.rglob("*.pack"):
        pack.chmod(0o600)
        content = bytearray(pack.read_bytes())
        content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
        pack.write_bytes(content)

    with pytest.raises(RunnerError):
        git_tree.make(mirror.git_dir, trees_of(mirror), commit)

    assert [".lock"] == names_in(trees_of(mirror))


def test_a_history_of_large_files_adds_nothing_to_a_tree_and_a_later_fetch(
    mirror: Mirror, repository: GitRepository
) -> None:
    """Only the first fetch asks for the history; a tree has the files of its commit."""
    for _ in range(8):
        repository.commit("Replace a large file", {"large": os.urandom(1_000_000)})
    repository.git("rm", "--quiet", "large")
    repository.commit_index("Remove it")
    mirror.fetch(60)
    before = bytes_in(mirror.git_dir)

    commit = fetch_commit(mirror, repository, {"small": "x\n"})

    assert before > 8_000_000
    assert bytes_in(mirror.git_dir) - before < 100_000
    assert bytes_in(mirror.tree(commit)) < 10_000


def bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def test_prune_removes_trees_that_are_neither_kept_nor_held(
    mirror: Mirror, repository: GitRepository, commit: str
) -> None:
    second = fetch_commit(mirror, repository, {"a.yml": "a\n"})
    third = fetch_commit(mirror, repository, {"a.yml": "b\n"})
    for each in (commit, second, third):
        mirror.tree(each)
    held = mirror.hold(second)

    assert [third] == mirror.prune([commit])
    os.close(held)
    assert [second] == mirror.prune([commit])

    assert [".lock", commit, f"{commit}.boot"] == names_in(trees_of(mirror))
    assert [commit] == mirror.prune(())
    assert [] == mirror.prune(())
    assert [".lock"] == names_in(trees_of(mirror))


def test_several_runs_hold_a_tree(mirror: Mirror, commit: str) -> None:
    first, second = mirror.hold(commit), mirror.hold(commit)
    mirror.tree(commit)

    os.close(first)
    assert [] == mirror.prune([])
    os.close(second)
    assert [commit] == mirror.prune([])


def test_a_hold_during_a_removal_is_on_the_lock_that_counts(
    mirror: Mirror, commit: str
) -> None:
    mirror.tree(commit)
    stop = threading.Event()
    thread = threading.Thread(target=prune_until, args=(mirror, stop))
    thread.start()
    try:
        for _ in range(50):
            held = mirror.hold(commit)
            try:
                tree = mirror.tree(commit)
                assert "kept\n" == (tree / "secret.txt").read_text()
            finally:
                os.close(held)
    finally:
        stop.set()
        thread.join()


def prune_until(mirror: Mirror, stop: threading.Event) -> None:
    while not stop.is_set():
        mirror.prune([])
