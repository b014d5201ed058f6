"""Limit the size of the mirror of a git repository, also while it is fetched."""

import os
from pathlib import Path

from .errors import RunnerError

MEBIBYTE = 1024 * 1024
#: The limit in MiB, unless FASTDEPLOY_REPOSITORY_MEBIBYTES has another one.
DEFAULT = 4096


def require_below(limit: int, git_dir: Path, url: str) -> None:
    """Raise an error if the objects of a mirror have more than `limit` MiB.

    Temporary packs of a running fetch are counted.

    Raises:
        RunnerError: They have more.
    """
    if _size(git_dir / "objects") > limit * MEBIBYTE:
        raise RunnerError(
            f"{url} has more than {limit:,} MiB with its history: use a repository "
            "with less, or raise FASTDEPLOY_REPOSITORY_MEBIBYTES."
        )


def _size(folder: Path) -> int:
    """Return the bytes of all files; those that disappear meanwhile don't count."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(f"{place}/{name}").st_size
            except FileNotFoundError:
                continue
    return size
