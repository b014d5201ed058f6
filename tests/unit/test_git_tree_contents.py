"""What a commit may hold to become a tree, and what is refused with its path."""

import stat
from pathlib import Path

import pytest

from app.runner.errors import RunnerError
from app.runner.git_content import leads_out
from app.runner.git_mirror import Mirror
from testing.git_repository import GitRepository
from testing.git_trees import (
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


@pytest.mark.parametrize("number", [1, 200])
def test_text_is_converted_as_in_a_working_tree(
    mirror: Mirror, repository: GitRepository, tmp_path: Path, number: int
) -> None:
    """Whether one process writes the files, or several."""
    attributes = "*.bat eol=crlf\n*.id ident\n*.exe filter=x\n"
    names = [f"d{n % 3}/{n}.{end}" for n in range(number) for end in ("bat", "id")]
    commit = fetch_commit(
        mirror, repository,
        {".gitattributes": attributes, **dict.fromkeys(names, "$Id$\n")},
    )  # fmt: skip
    worktree = tmp_path / "worktree"
    repository.git("worktree", "add", "--quiet", "--detach", str(worktree), commit)

    tree = mirror.tree(commit)

    assert b"$Id$\r\n" == (tree / "d0" / "0.bat").read_bytes()
    for name in names:
        assert (worktree / name).read_bytes() == (tree / name).read_bytes()
        assert 0o444 == stat.S_IMODE((tree / name).stat().st_mode)


def test_a_commit_without_files_has_an_empty_tree(
    mirror: Mirror, repository: GitRepository
) -> None:
    repository.git("rm", "-r", "-q", ".")
    commit = fetch_commit(mirror, repository, {})

    assert [] == names_in(mirror.tree(commit))


def test_a_submodule_is_refused_with_its_path(
    mirror: Mirror, repository: GitRepository, commit: str
) -> None:
    repository.git(
        "update-index", "--add", "--cacheinfo", f"160000,{commit},roles/shared"
    )
    submodule = repository.commit_index("Add a submodule")
    mirror.fetch(60)

    with pytest.raises(RunnerError) as refused:
        mirror.tree(submodule)

    assert str(refused.value) == (
        f"roles/shared in commit {submodule[:12]} is a submodule, which is not "
        "supported: add its files to the repository, or list it in a requirements.yml."
    )


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../etc/passwd", "up/../..", "web/../../../x"]
)
def test_a_link_that_leads_out_is_refused_with_its_path_and_target(
    mirror: Mirror, repository: GitRepository, target: str
) -> None:
    (repository.folder / "roles" / "up").symlink_to(".")
    (repository.folder / "roles" / "out").symlink_to(target)
    commit = fetch_commit(mirror, repository, {})

    with pytest.raises(RunnerError, match=f"^roles/out in .* out .* to {target}:"):
        mirror.tree(commit)


LINKS = {
    b"deep/er/root": b"../..",
    b"deep/er/parent": b"root/..",
    b"deep/er/back": b"root/deep",
    b"a": b"b",
    b"b": b"a/..",
    b"inside": b"./deep//er/../x",
    b"absolute": b"/srv",
    b"through": b"absolute/x",
}


@pytest.mark.parametrize(
    ("path", "out"),
    [
        (b"deep/er/root", False),
        (b"deep/er/parent", True),
        (b"deep/er/back", False),
        (b"a", False),
        (b"inside", False),
        (b"absolute", True),
        (b"through", True),
    ],
)
def test_links_are_followed_as_the_kernel_does_it(path: bytes, *, out: bool) -> None:
    assert out == leads_out(path, LINKS)


def test_a_file_in_git_lfs_is_refused_with_its_path(
    mirror: Mirror, repository: GitRepository
) -> None:
    commit = fetch_commit(
        mirror, repository, {"files/.gitattributes": "*.txt filter=lfs -text\n"}
    )

    with pytest.raises(RunnerError, match=r"^pointer\.txt in commit .* in git LFS"):
        mirror.tree(commit)


@pytest.mark.parametrize("name", ["..", ".git"])
def test_a_path_that_leads_out_is_refused(
    mirror: Mirror, repository: GitRepository, commit: str, name: str
) -> None:
    blob = repository.git("rev-parse", f"{commit}:run.sh")
    inner = make_tree(repository, "100644", "config", blob)
    outer = make_tree(repository, "40000", name, inner)
    hostile = repository.git("commit-tree", "-m", "Lead out", outer)
    repository.git("branch", "hostile", hostile)
    mirror.fetch(60)

    with pytest.raises(RunnerError, match=f"^{name}/config in .* not a valid path"):
        mirror.tree(hostile)


def make_tree(repository: GitRepository, mode: str, name: str, inner: str) -> str:
    """Write a tree that git's own commands refuse to write."""
    return repository.git(
        "hash-object", "-t", "tree", "-w", "--stdin", "--literally",
        content=f"{mode} {name}\0".encode() + bytes.fromhex(inner),
    )  # fmt: skip
