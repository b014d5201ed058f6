"""Fetching a hostile repository executes nothing of it, and reads no other file."""

import os
import subprocess
from pathlib import Path

import pytest

from app.runner import git_fetch
from app.runner.errors import RunnerError
from app.runner.git_mirror import Mirror
from app.runner.git_source import GitSource
from testing.git_repository import GitRepository

PATIENCE = 120
SECRET = "canary-of-another-repository"


class Hostile:
    """A repository and the program that it wants to have executed."""

    def __init__(self, folder: Path) -> None:
        self.proof = folder / "executed"
        self.program = folder / "program"
        self.program.write_text(f"#!/bin/sh\ntouch {self.proof}\ncat\n")
        self.program.chmod(0o755)
        self.other = GitRepository(folder / "other")
        self.other.commit("Secret", {"secret": SECRET})
        self.repository = GitRepository(folder / "hostile")
        self.mirror = Mirror(GitSource(str(self.repository.folder)), folder / "mirror")

    def tree(self, commit: str) -> Path:
        """Fetch the repository, and return the tree of a commit."""
        self.mirror.fetch(PATIENCE)
        return self.mirror.tree(commit)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hostile:
    made = Hostile(tmp_path)
    # The user that fetches may have configured a filter and a driver by these names.
    (tmp_path / ".gitconfig").write_text(
        f'[filter "evil"]\nsmudge = {made.program}\nrequired = true\n'
        f'[diff "evil"]\ncommand = {made.program}\ntextconv = {made.program}\n'
        f"[protocol]\nallow = always\n[submodule]\nrecurse = true\n"
        f"[fetch]\nrecurseSubmodules = true\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return made


def test_files_that_git_reads_in_a_working_tree_have_no_effect(
    hostile: Hostile,
) -> None:
    program = hostile.program
    configuration = f"[core]\nfsmonitor = {program}\nhooksPath = hooks\n"
    first = hostile.repository.commit(
        "First",
        {
            "site.yml": "- hosts: all\n",
            ".gitattributes": "* filter=evil diff=evil\n",
            ".lfsconfig": f'[lfs]\nurl = "ext::{program}"\n',
            ".gitconfig": configuration,
            "config": configuration,
            "hooks/post-checkout": program.read_text(),
            "hooks/reference-transaction": program.read_text(),
        },
    )
    second = hostile.repository.commit("Second", {"site.yml": "- hosts: web\n"})

    tree = hostile.tree(second)
    hostile.mirror.stat(first, second)
    hostile.mirror.log(first, second)

    assert "- hosts: web\n" == (tree / "site.yml").read_text()
    assert not hostile.proof.exists()


def test_what_the_repository_itself_configures_has_no_effect(hostile: Hostile) -> None:
    """Its own hooks and configuration belong to its owner."""
    folder = hostile.repository.folder
    commit = hostile.repository.commit("First", {"site.yml": "- hosts: all\n"})
    for name in ("post-checkout", "reference-transaction", "post-upload-pack"):
        hook = folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(hostile.program.read_text())
        hook.chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook"):
        hostile.repository.git("config", key, str(hostile.program))

    tree = hostile.tree(commit)

    assert (tree / "site.yml").exists()
    assert not hostile.proof.exists()


@pytest.mark.parametrize(
    "url", ["ext::{program}", "file://{other}", "{other}", "--upload-pack={program}"]
)
def test_a_submodule_is_neither_fetched_nor_executed(
    hostile: Hostile, url: str
) -> None:
    named = url.format(program=hostile.program, other=hostile.other.folder)
    commit = hostile.repository.commit("First", {"site.yml": "- hosts: all\n"})
    hostile.repository.write(
        {".gitmodules": f'[submodule "evil"]\npath = evil\nurl = {named}\n'}
    )
    hostile.repository.git("add", ".gitmodules")
    hostile.repository.git(
        "update-index", "--add", "--cacheinfo",
        f"160000,{hostile.other.git('rev-parse', 'HEAD')},evil",
    )  # fmt: skip
    submodule = hostile.repository.commit_index("Submodule")

    with pytest.raises(RunnerError, match="is a submodule, which is not supported"):
        hostile.tree(submodule)

    assert not hostile.proof.exists()
    assert not hostile.mirror.has(hostile.other.git("rev-parse", "HEAD"))
    assert hostile.tree(commit).is_dir()


def test_alternates_of_a_repository_bring_no_other_one(
    hostile: Hostile, tmp_path: Path
) -> None:
    """Its folder borrows the objects of another one, but no branch has them."""
    commit = hostile.repository.commit("First", {"site.yml": "- hosts: all\n"})
    alternates = hostile.repository.folder / ".git" / "objects" / "info" / "alternates"
    alternates.write_text(f"{hostile.other.folder}/.git/objects\n")

    hostile.tree(commit)

    assert not hostile.mirror.has(hostile.other.git("rev-parse", "HEAD"))
    mirror = tmp_path / "mirror" / git_fetch.MIRROR
    assert not (mirror / "objects" / "info" / "alternates").exists()
    objects = subprocess.run(
        ["git", f"--git-dir={mirror}", "cat-file", "--batch-all-objects", "--batch"],
        check=True, capture_output=True, env=os.environ | {"HOME": "/"},
    )  # fmt: skip
    assert SECRET.encode() not in objects.stdout
