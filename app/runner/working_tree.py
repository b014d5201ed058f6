"""The commit and the uncommitted changes of a folder in a git repository.

The configuration of the repository isn't used: it may name programs, such as filters
and monitors of the file system. So its index and its objects are read through a git
directory that is created here, with a copy of the index.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import git_command
from .errors import RunnerError

#: The number of bytes of changed files whose content counts. Of further files, the size
#: and the time of the last change count.
MAX_BYTES = 64 * 1024 * 1024
#: Seconds for each git command.
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class WorkingTree:
    """The state of a working tree.

    Attributes:
        commit: The hash of HEAD.
        changes: A SHA-256 digest of the changes since then, including untracked files
            that aren't ignored; empty if there are none.
    """

    commit: str
    changes: str


@dataclass(frozen=True, slots=True)
class _Repository:
    root: Path
    index: Path
    objects: Path
    exclude: Path


def working_tree(folder: Path) -> WorkingTree | None:
    """Return the state of the git repository that a folder is in.

    No program is executed that the repository or its files name. It is None if the
    folder is in no repository, if the repository has no commit, or without git.

    Raises:
        RunnerError: git can't read the repository.
    """
    if not folder.is_dir() or not shutil.which("git"):
        return None
    where = [
        "rev-parse", "--path-format=absolute", "--show-toplevel",
        "--git-path", "index", "--git-path", "objects", "--git-path", "info/exclude",
        "--verify", "--quiet", "HEAD",
    ]  # fmt: skip
    found = git_command.run(
        where, config=("safe.directory=*",), folder=folder, timeout=_PATIENCE
    )
    lines = os.fsdecode(found.stdout).split("\n")
    if found.returncode or len(lines) != 6:
        return None
    repository = _Repository(*map(Path, lines[:4]))
    commit = lines[4]
    with tempfile.TemporaryDirectory(prefix="fastdeploy-git-") as private:
        git_dir = Path(private)
        _create(git_dir, repository, commit)
        changed = sorted(set(_changed(git_dir, repository)))
    return WorkingTree(commit, _digest(repository.root, changed) if changed else "")


def _create(git_dir: Path, repository: _Repository, commit: str) -> None:
    """Create a git directory without configuration, with the index of a repository."""
    sha256 = len(commit) == 64
    (git_dir / "refs").mkdir()
    (git_dir / "objects").mkdir()
    (git_dir / "info").mkdir()
    (git_dir / "HEAD").write_text(f"{commit}\n")
    (git_dir / "config").write_text(
        f"[core]\n\trepositoryFormatVersion = {int(sha256)}\n\tbare = false\n"
        + ("[extensions]\n\tobjectFormat = sha256\n" if sha256 else "")
    )
    # A command may write to the index. The time of the copy must be that of the
    # original, since files that are newer are compared by their content.
    if repository.index.exists():
        shutil.copy2(repository.index, git_dir / "index")
    if repository.exclude.is_file():
        shutil.copyfile(repository.exclude, git_dir / "info" / "exclude")
    for part in repository.index.parent.glob("sharedindex.*"):  # of a split index
        (git_dir / part.name).symlink_to(part)


def _changed(git_dir: Path, repository: _Repository) -> Iterator[bytes]:
    """Yield the path of each file that differs from the commit, or is untracked."""
    env = {
        **git_command.local_environment(),
        "GIT_WORK_TREE": str(repository.root),
        "GIT_OBJECT_DIRECTORY": str(repository.objects),
    }
    for arguments in (
        # Changes within a submodule are found by git commands in it.
        ["diff", "--name-only", "-z", "--no-ext-diff", "--no-textconv", "--no-renames",
         "--ignore-submodules=dirty", "HEAD", "--"],
        ["ls-files", "-z", "--others", "--exclude-standard"],
    ):  # fmt: skip
        done = git_command.run(
            arguments, git_dir, env=env, folder=repository.root, timeout=_PATIENCE
        )
        if done.returncode:
            why = git_command.explanation(done.stderr, done.returncode)
            raise RunnerError(f"git can't read {repository.root}: {why}.")
        yield from done.stdout.split(b"\0")[:-1]


def _digest(root: Path, paths: list[bytes]) -> str:
    """Return a digest of the paths and of what is there now."""
    digest = hashlib.sha256()
    left = MAX_BYTES
    for path in paths:
        file = os.path.join(bytes(root), path)  # noqa: PTH118 - not always UTF-8
        state = _stat(file)
        parts = [path, _describe(file, state)]
        if state and stat.S_ISREG(state.st_mode):
            if state.st_size <= left:
                left -= state.st_size
                parts.append(_hash(file))
            else:
                parts.append(b"%d %d" % (state.st_size, state.st_mtime_ns))
        for part in parts:
            digest.update(b"%d:%b" % (len(part), part))
    return digest.hexdigest()


def _stat(file: bytes) -> os.stat_result | None:
    try:
        return os.lstat(file)
    except OSError:
        return None


def _describe(file: bytes, state: os.stat_result | None) -> bytes:
    """Return the kind of a file; of a link its target, too."""
    if state is None:
        return b"removed"
    if stat.S_ISLNK(state.st_mode):
        return b"link " + os.readlink(file)  # noqa: PTH115 - as above
    executable = state.st_mode & stat.S_IXUSR
    return b"%o %d" % (stat.S_IFMT(state.st_mode), bool(executable))


def _hash(file: bytes) -> bytes:
    """Return the hash of a file; empty if it can't be read."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as opened:  # noqa: PTH123 - not always UTF-8
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError:
        return b""
