"""The commit and the uncommitted changes of a folder."""

import os
from pathlib import Path

import pytest

from app.runner import working_tree as module
from app.runner.working_tree import WorkingTree, working_tree
from testing.git_repository import GitRepository


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    repository = GitRepository(tmp_path / "infra")
    repository.commit(
        "Add files",
        {".gitignore": "*.log\n", "site.yml": "a\n", "roles/web/main.yml": "b\n"},
    )
    return repository


def changes_of(repository: GitRepository) -> str:
    found = working_tree(repository.folder)
    assert found
    return found.changes


def test_a_clean_working_tree_has_no_changes(repository: GitRepository) -> None:
    head = repository.git("rev-parse", "HEAD")
    repository.write({"run.log": "ignored\n"})
    (repository.folder / ".git" / "info" / "exclude").write_text("*.tmp\n")
    repository.write({"x.tmp": "ignored\n"})

    assert WorkingTree(head, "") == working_tree(repository.folder)
    assert WorkingTree(head, "") == working_tree(repository.folder / "roles" / "web")


def test_a_file_that_was_only_touched_does_not_count(repository: GitRepository) -> None:
    os.utime(repository.folder / "site.yml", (1, 1))

    assert "" == changes_of(repository)


def test_the_digest_depends_on_the_content_of_the_changes(
    repository: GitRepository,
) -> None:
    site = repository.folder / "site.yml"
    seen = [changes_of(repository)]

    def change(path: Path, content: str) -> None:
        path.write_text(content)
        seen.append(changes_of(repository))

    change(site, "c\n")
    change(site, "d\n")
    repository.git("add", "site.yml")
    assert seen[-1] == changes_of(repository)
    change(repository.folder / "new.yml", "c\n")
    change(repository.folder / "new.yml", "d\n")
    (repository.folder / "new.yml").chmod(0o755)
    seen.append(changes_of(repository))
    (repository.folder / "new.yml").rename(repository.folder / "newer.yml")
    seen.append(changes_of(repository))
    (repository.folder / "newer.yml").unlink()
    site.unlink()
    seen.append(changes_of(repository))
    site.symlink_to("/etc/passwd")
    seen.append(changes_of(repository))
    repository.git("rm", "-q", "-f", "--cached", "site.yml")
    repository.git("add", "site.yml")
    repository.write({os.fsdecode(b"\xff.yml"): "x\n"})
    seen.append(changes_of(repository))

    assert len(seen) == len(set(seen))
    assert all(len(digest) == 64 for digest in seen[1:])


def test_of_large_changes_the_size_and_time_count(
    repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 3)
    repository.write({"large.yml": "large\n"})
    first = changes_of(repository)

    repository.write({"large.yml": "larger\n"})

    assert first != changes_of(repository)


def test_a_fifo_is_not_opened(repository: GitRepository) -> None:
    os.mkfifo(repository.folder / "fifo")
    (repository.folder / "site.yml").unlink()
    os.mkfifo(repository.folder / "site.yml")

    assert 64 == len(changes_of(repository))


def test_no_program_that_the_repository_names_is_executed(
    repository: GitRepository, tmp_path: Path
) -> None:
    program = f"touch {tmp_path}/executed; cat"
    for name in (
        "core.fsmonitor", "diff.external", "diff.x.command", "diff.x.textconv",
        "filter.x.clean", "filter.x.smudge", "filter.x.process", "core.pager",
        "core.sshCommand", "alias.diff",
    ):  # fmt: skip
        repository.git("config", name, program)
    repository.git("config", "filter.x.required", "true")
    for name in ("post-index-change", "fsmonitor-watchman"):
        hook = repository.folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{program}\n")
        hook.chmod(0o755)
    repository.write({".gitattributes": "* filter=x diff=x\n", "site.yml": "c\n"})
    os.utime(repository.folder / "roles" / "web" / "main.yml", (1, 1))
    index = (repository.folder / ".git" / "index").read_bytes()

    assert 64 == len(changes_of(repository))

    assert not (tmp_path / "executed").exists()
    assert index == (repository.folder / ".git" / "index").read_bytes()


def test_a_linked_working_tree_has_its_own_state(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    repository.write({"site.yml": "c\n"})

    found = working_tree(tmp_path / "other")

    assert WorkingTree(repository.git("rev-parse", "other"), "") == found


def test_a_split_index_is_read(repository: GitRepository) -> None:
    repository.git("update-index", "--split-index")
    assert list((repository.folder / ".git").glob("sharedindex.*"))

    assert "" == changes_of(repository)


def test_a_submodule_counts_by_its_commit(
    repository: GitRepository, tmp_path: Path
) -> None:
    other = GitRepository(tmp_path / "other")
    other.commit("Add a role", {"main.yml": "a\n"})
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
                   str(other.folder), "shared")  # fmt: skip
    repository.commit("Add a submodule")
    assert "" == changes_of(repository)

    shared = GitRepository(repository.folder / "shared")
    shared.git("config", "core.fsmonitor", f"touch {tmp_path}/executed")
    shared.write({"main.yml": "b\n"})
    assert "" == changes_of(repository)
    shared.git("-c", "core.fsmonitor=", "commit", "-q", "-a", "-m", "Change")

    assert 64 == len(changes_of(repository))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kind", ["folder", "missing", "bare", "without a commit"])
def test_a_folder_without_a_commit_has_no_state(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "infra"
    if kind == "folder":
        folder.mkdir()
    elif kind != "missing":
        GitRepository(folder)
    if kind == "bare":
        folder = folder / ".git"

    assert None is working_tree(folder)
