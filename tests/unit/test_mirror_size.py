"""The size of a mirror is limited, also while it is fetched."""

import random
import time
from pathlib import Path

import pytest

from app.runner import git_command, git_fetch
from app.runner.errors import RunnerError
from app.runner.git_credential import Access
from app.runner.git_source import GitSource
from testing.git_repository import GitRepository

PATIENCE = 120
LARGE = random.Random(1).randbytes(2 * 1024 * 1024)
_SENTENCE = r"has more than 1 MiB with its history: .* FASTDEPLOY_REPOSITORY_MEBIBYTES"


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "infra")
    made.commit("First", {"site.yml": "- hosts: all\n"})
    return made


def fetch(repository: GitRepository, limit: int) -> Path:
    folder = repository.folder.with_name("data")
    source = GitSource(str(repository.folder))
    git_fetch.fetch(source, folder, PATIENCE, Access(max_mebibytes=limit))
    return folder


def test_a_repository_over_the_limit_leaves_nothing(repository: GitRepository) -> None:
    repository.commit("Large", {"large": LARGE})

    with pytest.raises(RunnerError, match=_SENTENCE):
        fetch(repository, 1)

    data = repository.folder.with_name("data")
    assert ["mirror.lock"] == [path.name for path in data.iterdir()]
    assert (fetch(repository, 3) / git_fetch.MIRROR).exists()


def test_a_mirror_that_grows_over_the_limit_refuses_each_fetch(
    repository: GitRepository,
) -> None:
    mirror = fetch(repository, 1) / git_fetch.MIRROR
    repository.commit("Large", {"large": LARGE})

    for _ in range(2):
        with pytest.raises(RunnerError, match=_SENTENCE):
            fetch(repository, 1)

    assert [] == list(mirror.rglob("tmp_*"))
    fetch(repository, 3)


def test_what_a_stopped_fetch_left_does_not_count(repository: GitRepository) -> None:
    mirror = fetch(repository, 1) / git_fetch.MIRROR
    (mirror / "objects" / "pack" / "tmp_pack_x").write_bytes(LARGE)

    fetch(repository, 1)


def test_a_command_ends_when_its_watch_raises_an_error() -> None:
    """So a fetch ends in the middle."""
    calls: list[float] = []

    def watch() -> None:
        calls.append(time.monotonic())
        if len(calls) > 1:
            raise RunnerError("too large")

    with pytest.raises(RunnerError, match="too large"):
        git_command.run(["wait"], config=["alias.wait=!sleep 600"], watch=watch)

    assert 2 == len(calls)


def test_a_watched_command_still_has_a_timeout() -> None:
    config = ["alias.wait=!sleep 600"]

    with pytest.raises(git_command.GitFailed, match="took more than"):
        git_command.run(["wait"], config=config, timeout=0.3, watch=lambda: None)
