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
import subprocess
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
            `git_content.require_supported`), or the tree can't be written.
    """
    tree = trees / commit
    _make_private(trees)
    with file_lock.exclusive(trees / ".lock"):
        if not _is_complete(tree):
            _remove_drafts(trees)
            _remove(tree)
            git_content.require_supported(git_dir, commit)
            _make(git_dir, tree)
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


def _make(git_dir: Path, tree: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=tree.parent))
    try:
        _extract(git_dir, tree.name, draft)
        draft.chmod(0o555)
        draft.rename(tree)
    except BaseException:
        remove_folder(draft)
        raise
    _beside(tree, "boot").write_text(_BOOT_ID.read_text())


def _extract(git_dir: Path, commit: str, folder: Path) -> None:
    """Write the files of a commit to an empty folder, read-only."""
    archive = git_command.command(
        ["archive", "--format=tar", commit], git_dir, ("tar.umask=0222",)
    )
    extract = ["tar", "-x", "-p", "--no-same-owner", "-f", "-", "-C", str(folder)]
    env = git_command.local_environment()
    with tempfile.TemporaryFile() as errors:
        with (
            subprocess.Popen(
                archive, cwd=git_command.ROOT, env=env, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors,
            ) as git,
            subprocess.Popen(
                extract, env=env, stdin=git.stdout, stdout=errors, stderr=errors,
            ) as tar,
        ):  # fmt: skip
            if git.stdout:
                git.stdout.close()  # so that git ends if tar ends before
            try:
                codes = [tar.wait(_PATIENCE), git.wait(_PATIENCE)]
            except BaseException:
                tar.kill()
                git.kill()
                raise
        errors.seek(0)
        if any(codes):
            why = git_command.explanation(errors.read(), max(codes))
            raise RunnerError(f"Can't write the files of commit {commit[:12]}: {why}.")


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
