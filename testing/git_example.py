"""A git repository with branches and tags, and its mirror."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from app.runner.git_mirror import Mirror
from testing.git_repository import GitRepository

#: Seconds for fetching a repository of a few commits.
PATIENCE = 120


class Example(NamedTuple):
    """A repository, its mirror and its commits."""

    repository: GitRepository
    mirror: Mirror
    first: str
    second: str
    third: str
    fix: str
    experiment: str


def allowing(example: Example, *refs: str) -> Mirror:
    """Return the same mirror, of which only some refs are allowed."""
    mirror = example.mirror
    return Mirror(replace(mirror.source, refs=refs), mirror.git_dir.parent)


def refs_of(mirror: Mirror) -> dict[str, str]:
    """Return the commits of the refs of a mirror."""
    return {ref.name: ref.commit for ref in mirror.refs()}


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, in order."""
    return sorted(path.name for path in folder.iterdir())
