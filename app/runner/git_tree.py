"""Read-only trees: the files of one commit, in a folder of its own.

trees/
<commit>/       the files; nothing changes them
<commit>.boot   the boot of the host in which the tree was made; written last
<commit>.lock   each user of the tree holds a shared flock on it
.lock           held while a tree is made or removed
.new-*          a tree that is being made, or that a killed process has left
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from . import file_lock, git_command, git_content
from .errors import RunnerError
from .git_refs import COMMIT

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_DRAFT = ".new-"
#: Seconds for writing one tree.
_PATIENCE = 600.0
#: The umask of files that nobody may write to.
_READ_ONLY = 0o222
#: The maximum number of processes that write the files of a tree.
_MAX_WORKERS = 4


def find(trees: Path, commit: str) -> Path | None:
    """Return the folder with the files of a commit; None if `make` has to make it."""
    tree = trees / commit
    return tree if _is_complete(tree) else None


def make(git_dir: Path, trees: Path, commit: str) -> Path:
    """Return the folder with the files of a commit; make it if it doesn't exist.

    Files and folders are read-only. A tree that was made before the host was restarted
    is made again, since its files may not have reached the disk. Call `hold` before, so
    that the tree isn't removed.

    Raises:
        RunnerError: The commit has content that isn't supported (see
            `git_content.supported_folders`), or the tree can't be written.
    """
    tree = trees / commit
    _make_private(trees)
    with file_lock.exclusive(trees / ".lock"):
        if not _is_complete(tree):
            _remove_drafts(trees)
            _remove(tree)
            _make(git_dir, tree, git_content.supported_folders(git_dir, commit))
    return tree


def hold(trees: Path, commit: str) -> int:
    """Return a descriptor; while it is open, the tree of a commit isn't removed."""
    _make_private(trees)
    descriptor = file_lock.take(_beside(trees / commit, "lock"), shared=True)
    assert descriptor is not None  # without a deadline
    return descriptor


def prune(trees: Path, keep: Collection[str]) -> list[str]:
    """Remove trees that are neither kept nor held, and return their commits."""
    if not trees.is_dir():
        return []
    with file_lock.exclusive(trees / ".lock"):
        _remove_drafts(trees)
        known = {path.name.partition(".")[0] for path in trees.iterdir()}
        unwanted = sorted(filter(COMMIT.fullmatch, known - set(keep)))
        return [commit for commit in unwanted if _remove_unused(trees / commit)]


def newest(trees: Path, number: int) -> list[str]:
    """Return the commits whose trees were made last."""
    made = sorted(
        ((file.stat().st_mtime_ns, file.stem) for file in trees.glob("*.boot")),
        reverse=True,
    )
    return [commit for _, commit in made[:number]]


def _make_private(trees: Path) -> None:
    """Create the folder of the trees in the folder of the mirror, both private."""
    # `parents=True` creates the folders above with the default mode.
    for folder in (trees.parent, trees):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _is_complete(tree: Path) -> bool:
    try:
        made = _beside(tree, "boot").read_text()
    except FileNotFoundError:
        return False
    return made == _BOOT_ID.read_text() and tree.is_dir()


def _beside(tree: Path, suffix: str) -> Path:
    return tree.with_name(f"{tree.name}.{suffix}")


def _make(git_dir: Path, tree: Path, folders: Collection[bytes]) -> None:
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=tree.parent))
    try:
        files = draft / "files"
        _write(git_dir, tree.name, files, folders)
        # A read-only folder can't be moved to another one.
        files.rename(tree)
        tree.chmod(0o555)
        _beside(tree, "boot").write_text(_BOOT_ID.read_text())
    finally:
        remove_folder(draft)


def _write(git_dir: Path, commit: str, files: Path, folders: Collection[bytes]) -> None:
    """Write the files of a commit, read-only; the folder itself stays writable.

    Git creates each file with its final mode, so there is no second pass over them. It
    couldn't write to folders that it creates read-only, so they are created before.
    """
    below = [files / os.fsdecode(each) for each in folders]
    env = {
        **git_command.local_environment(),
        "GIT_INDEX_FILE": str(files.with_name("index")),
        "GIT_WORK_TREE": str(files),
    }
    workers = min(os.cpu_count() or 1, _MAX_WORKERS)
    try:
        files.mkdir()
        for folder in below:
            folder.mkdir()
        for arguments in (["read-tree", commit], ["checkout-index", "--all"]):
            git_command.output(
                arguments, git_dir, env=env, folder=files, umask=_READ_ONLY,
                config=(f"checkout.workers={workers}",), timeout=_PATIENCE,
            )  # fmt: skip
        for folder in below:
            folder.chmod(0o555)
    except (git_command.GitFailed, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        raise RunnerError(
            f"Can't write the files of commit {commit[:12]}: {why}."
        ) from None


def _remove_unused(tree: Path) -> bool:
    """Remove a tree unless it is held; return whether there was one."""
    path = _beside(tree, "lock")
    lock = file_lock.take(path, shared=False, deadline=0.0)
    if lock is None:
        return False
    try:
        existed = tree.is_dir()
        _remove(tree)
        path.unlink()
    finally:
        os.close(lock)
    return existed


def _remove(tree: Path) -> None:
    """Remove a tree; half of it is never taken for a tree."""
    _beside(tree, "boot").unlink(missing_ok=True)
    remove_folder(tree)


def _remove_drafts(trees: Path) -> None:
    for draft in trees.glob(f"{_DRAFT}*"):
        remove_folder(draft)


def remove_folder(folder: Path) -> None:
    """Remove a folder with everything in it, also if it is read-only or missing."""
    for path, _, _ in os.walk(folder):
        # Nothing can be removed from a read-only folder.
        Path(path).chmod(0o700)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
