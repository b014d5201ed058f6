"""Refuse commits with content that a tree of plain files doesn't contain."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import git_command
from .errors import RunnerError

_SUBMODULE = b"160000"
_LINK = b"120000"
#: The length of a path in bytes, as Linux limits it.
_MAX_LINK = 4096
_MAX_ATTRIBUTES = 1024 * 1024
#: The number of links that the kernel follows for one path.
_MAX_LINKS = 40
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
_LFS_FILTER = b"filter=lfs"
#: A pointer to a file in git LFS is shorter.
_MAX_POINTER = 1024
#: Names that no folder of a commit has, unless somebody built it by hand.
_INVALID_NAMES = {b"", b".", b"..", b".git"}


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: bytes
    name: str
    path: bytes


def supported_folders(git_dir: Path, commit: str) -> list[bytes]:
    """Return the folders of a commit whose files can be used as they are.

    The paths are relative to the root of the tree, each after that of its parent.

    Raises:
        RunnerError: There is a submodule, a link that leads out of the tree, a file in
            git LFS, or a path that is invalid.
    """
    entries = list(_entries(git_dir, commit))
    for entry in entries:
        if entry.mode == _SUBMODULE:
            raise RunnerError(
                f"{_shown(entry.path)} in commit {commit[:12]} is a submodule, which "
                "is not supported: add its files to the repository, or list it in a "
                "requirements.yml."
            )
        if not _INVALID_NAMES.isdisjoint(entry.path.split(b"/")):
            raise RunnerError(
                f"{_shown(entry.path)} in commit {commit[:12]} is not a valid path: "
                "remove it from the repository."
            )
    _require_links_inside(git_dir, commit, entries)
    _require_no_lfs(git_dir, commit, entries)
    return _folders(entry.path for entry in entries)


def _folders(paths: Iterable[bytes]) -> list[bytes]:
    found: set[bytes] = set()
    for path in paths:
        folder = path.rpartition(b"/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition(b"/")[0]
    return sorted(found)


def _entries(git_dir: Path, commit: str) -> Iterator[_Entry]:
    listed = git_command.output(["ls-tree", "-r", "-z", "--full-tree", commit], git_dir)
    for line in listed.split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, _, name = about.split(b" ")
        yield _Entry(mode, name.decode(), path)


def _require_links_inside(
    git_dir: Path, commit: str, entries: Iterable[_Entry]
) -> None:
    links = {entry.path: entry.name for entry in entries if entry.mode == _LINK}
    contents = _read(git_dir, set(links.values()), _MAX_LINK)
    targets = {path: contents.get(name, b"/") for path, name in links.items()}
    for path, target in targets.items():
        if leads_out(path, targets):
            raise RunnerError(
                f"{_shown(path)} in commit {commit[:12]} is a link that leads out of "
                f"the repository, to {_shown(target)}: correct it, or replace it by a "
                "file."
            )


def leads_out(path: bytes, targets: Mapping[bytes, bytes]) -> bool:
    """Return whether following a link leaves the tree.

    Each component is followed as the kernel does it, since `..` after a link is the
    parent of its target. A cycle leads nowhere.

    Args:
        path: The path of the link, relative to the root of the tree.
        targets: The target of each link in the tree, by path.
    """
    place: list[bytes] = []
    rest = path.split(b"/")[::-1]
    followed = 0
    while rest:
        name = rest.pop()
        if name in {b"", b"."}:
            continue
        if name == b"..":
            if not place:
                return True
            place.pop()
            continue
        target = targets.get(b"/".join((*place, name)))
        if target is None:
            place.append(name)
            continue
        followed += 1
        if target.startswith(b"/"):
            return True
        if followed > _MAX_LINKS:
            return False
        rest += target.split(b"/")[::-1]
    return False


def _require_no_lfs(git_dir: Path, commit: str, entries: list[_Entry]) -> None:
    attributes = {
        entry.name
        for entry in entries
        if entry.path.rpartition(b"/")[2] == b".gitattributes" and entry.mode != _LINK
    }
    contents = _read(git_dir, attributes, _MAX_ATTRIBUTES).values()
    if not any(_LFS_FILTER in content for content in contents):
        return
    small = _read(git_dir, {entry.name for entry in entries}, _MAX_POINTER)
    for entry in entries:
        if small.get(entry.name, b"").startswith(_LFS_POINTER):
            raise RunnerError(
                f"{_shown(entry.path)} in commit {commit[:12]} is in git LFS, which is "
                "not supported: add the file itself to the repository."
            )


def _read(git_dir: Path, names: set[str], limit: int) -> dict[str, bytes]:
    """Return the contents of the objects that aren't larger than a limit, by name."""
    if not names:
        return {}
    sizes = git_command.output(
        ["cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer"],
        git_dir,
        content="".join(f"{name}\n" for name in sorted(names)).encode(),
    )
    pairs = (line.split() for line in sizes.decode().splitlines())
    wanted = [(name, int(size)) for name, size in pairs if int(size) <= limit]
    printed = git_command.output(
        ["cat-file", "--batch=", "--buffer"],
        git_dir,
        content="".join(f"{name}\n" for name, _ in wanted).encode(),
    )
    contents, at = {}, 0
    for name, size in wanted:
        # An empty line, the content, and the end of a line.
        contents[name] = printed[at + 1 : at + 1 + size]
        at += size + 2
    return contents


def _shown(path: bytes) -> str:
    """Return a path for a message; what isn't printable is escaped."""
    text = os.fsdecode(path)
    return text if text.isprintable() else ascii(text)
