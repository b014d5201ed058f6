"""The version of FastDeploy that is shown, and that a built distribution gets."""

import os
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from app import __version__

_ROOT = Path(__file__).parents[1]
#: The file of a source distribution with its metadata.
_METADATA = "PKG-INFO"
#: Output of `git describe --long`: tag, commits since then, commit, and changes.
_DESCRIBED = re.compile(
    r"v(?P<tag>.+)-(?P<behind>\d+)-g(?P<commit>[0-9a-f]+)(?P<dirty>-dirty)?"
)
_UNTAGGED = re.compile(r"(?P<commit>[0-9a-f]+)(?P<dirty>-dirty)?")
#: Seconds for each command of git.
_PATIENCE = 10


@cache
def version() -> str:
    """Return the version by PEP 440: of the working tree, or of what is installed.

    In a git working tree, the number of commits and the commit follow the number of
    the release: `0.1.0.post12+gabcdef0`, or `0.1.0.dev12+gabcdef0` before its tag.
    """
    return _of_working_tree(_ROOT) or _of_source(_ROOT) or _of_installation()


def from_description(described: str, commits: int) -> str:
    """Return the version for the output of `git describe --long --always --dirty`.

    Args:
        described: The output.
        commits: The number of commits until then, which is used without a tag.
    """
    tagged = _DESCRIBED.fullmatch(described)
    if tagged and tagged["behind"] == "0" and not tagged["dirty"]:
        return tagged["tag"]
    untagged = _UNTAGGED.fullmatch(described)
    found = tagged or untagged
    if found is None:
        return __version__
    number = (
        f"{tagged['tag']}.post{tagged['behind']}"
        if tagged
        else f"{__version__}.dev{commits}"
    )
    return f"{number}+g{found['commit']}{'.dirty' if found['dirty'] else ''}"


def _of_working_tree(root: Path) -> str:
    # In a linked working tree, `.git` is a file.
    if not (root / ".git").exists():
        return ""
    described = _git(root, "describe", "--long", "--always", "--dirty", "--tags",
                     "--match", "v[0-9]*")  # fmt: skip
    commits = _git(root, "rev-list", "--count", "HEAD")
    return from_description(described, int(commits)) if commits.isdigit() else ""


def _git(root: Path, *arguments: str) -> str:
    """Return the output of a command of git; empty if it fails."""
    env = {key: value for key, value in os.environ.items() if key[:4] != "GIT_"}
    try:
        return subprocess.run(
            ["git", "-C", root, *arguments], env=env, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=True, timeout=_PATIENCE,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""


def _of_source(root: Path) -> str:
    """Return the version of an unpacked source distribution."""
    try:
        lines = (root / _METADATA).read_text().splitlines()
    except OSError:
        return ""
    found = (
        line.removeprefix("Version: ") for line in lines if line[:9] == "Version: "
    )
    return next(found, "")


def _of_installation() -> str:
    try:
        return metadata.version("fastdeploy")
    except metadata.PackageNotFoundError:
        return __version__
