"""A git repository and its mirror, which the tests of mirrors share."""

import shutil
from pathlib import Path

import pytest

from app.runner.git_mirror import Mirror
from app.runner.git_source import GitSource
from testing.git_example import PATIENCE, Example
from testing.git_repository import GitRepository


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    folder = tmp_path_factory.mktemp("git")
    repository = GitRepository(folder / "infra")
    first = repository.commit("Add the site", {"site.yml": "- hosts: all\n"})
    second = repository.commit("Add a role", {"roles/web/tasks/main.yml": "[]\n"})
    repository.git("tag", "-a", "-m", "Release 1", "v1")
    repository.git("tag", "-a", "-m", "Release 1, signed off", "approved", "v1")
    third = repository.commit("Change the site", {"site.yml": "- hosts: web\n"})
    repository.git("tag", "v2")
    repository.git("switch", "-q", "-c", "release/1", first)
    fix = repository.commit("Fix the site", {"site.yml": "- hosts: fixed\n"})
    repository.git("switch", "-q", "-c", "experiment", third)
    experiment = repository.commit("Try it", {"try.yml": "[]\n"})
    repository.git("switch", "-q", "main")
    # Names that only the plumbing creates, and objects that aren't commits.
    repository.git("update-ref", "refs/heads/--upload-pack=evil", third)
    repository.git("tag", "a-tree", f"{third}^{{tree}}")
    repository.git("update-ref", "refs/pull/1/head", experiment)
    mirror = Mirror(GitSource(str(repository.folder)), folder / "mirror")
    mirror.fetch(PATIENCE)
    return Example(repository, mirror, first, second, third, fix, experiment)


@pytest.fixture
def own(example: Example, tmp_path: Path) -> Example:
    """A copy of the repository with an own mirror, which a test may change."""
    shutil.copytree(example.repository.folder, tmp_path / "infra")
    repository = GitRepository(tmp_path / "infra")
    mirror = Mirror(GitSource(str(repository.folder)), tmp_path / "mirror")
    mirror.fetch(PATIENCE)
    return example._replace(repository=repository, mirror=mirror)
