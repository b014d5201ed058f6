"""Create and update the mirror of a git repository."""

import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from . import file_lock, git_command, git_credential, git_host_key, mirror_size
from .errors import RunnerError
from .git_credential import Access, Session
from .git_host_key import HostKeyRefused
from .git_source import BRANCHES, TAGS, GitSource, find_problem

MIRROR = "mirror.git"
_DRAFT = "mirror.git.new"
_LOCK = "mirror.lock"
#: HEAD of a mirror whose remote names no branch by its own HEAD.
_NO_BRANCH = "refs/fastdeploy/none"
_REFSPECS = (f"+{BRANCHES}*:{BRANCHES}*", f"+{TAGS}*:{TAGS}*")
_OPTIONS = (
    "--force", "--no-auto-maintenance", "--no-recurse-submodules", "--no-tags",
    "--no-write-fetch-head", "--prune", "--quiet",
)  # fmt: skip
#: For a local repository, which may belong to another user.
_LOCAL_UPLOAD_PACK = "git -c 'safe.directory=*' upload-pack"
#: What git prints if the remote lacks the history of a ref. It leaves out the ref.
_SHALLOW = b"shallow roots are not allowed"
#: A fetch adds a pack. With more of them, similar ones are combined.
MAX_PACKS = 20
_HEAD = re.compile(rb"^ref: (refs/heads/[^\t\n]+)\tHEAD$", re.MULTILINE)
#: The tree of a commit must equal the commit, whatever its .gitattributes say.
_ATTRIBUTES = "* -export-ignore -export-subst\n"


def fetch(
    source: GitSource,
    folder: Path,
    timeout: float,
    access: Access = Access(),  # noqa: B008 - it is frozen
) -> None:
    """Create the mirror of a source, or update it: branches, tags and HEAD.

    Refs that were removed or moved there are removed or moved here. The objects are
    kept. Only one process fetches at a time; the others wait for it.

    Args:
        source: The repository.
        folder: The mirror is created in this folder.
        timeout: Seconds for everything.
        access: With what it is fetched; by default, what git has for this user.

    Raises:
        HostKeyRefused: ssh refused the key of the host; `git_host_key.read` returns it
            until it is accepted.
        RunnerError: The URL is refused, the repository is too large, or it can't be
            fetched. A mirror that wasn't there before isn't there then either.
    """
    if problem := find_problem(source.url):
        raise RunnerError(problem)
    deadline = time.monotonic() + timeout
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = file_lock.take(folder / _LOCK, shared=False, deadline=deadline)
    if lock is None:
        raise RunnerError(
            f"Another process has been fetching {source.url} for {timeout:.0f} seconds"
            ": try again later."
        )
    try:
        with git_credential.using(access, source.url, timeout) as session:
            _fetch(source.url, folder, session, deadline, access.max_mebibytes)
        git_host_key.forget(folder)
    except HostKeyRefused as error:
        git_host_key.keep(folder, source.url, error.refused)
        raise
    finally:
        os.close(lock)


def reach(url: str, timeout: float, access: Access) -> None:
    """Ask a repository for its HEAD, without storing anything.

    Args:
        url: The URL of the repository.
        timeout: Seconds for everything.
        access: With what it is asked.

    Raises:
        RunnerError: The URL is refused, or the repository can't be reached.
    """
    if problem := find_problem(url):
        raise RunnerError(problem)
    with git_credential.using(access, url, timeout) as session:
        _remote_branch(url, session, time.monotonic() + timeout)


def _fetch(
    url: str, folder: Path, session: Session, deadline: float, limit: int
) -> None:
    branch = _remote_branch(url, session, deadline)
    mirror, draft = folder / MIRROR, folder / _DRAFT
    shutil.rmtree(draft, ignore_errors=True)
    if mirror.exists():
        _remove_leftovers(mirror)
        try:
            _update(mirror, url, session, deadline, limit)
        except RunnerError:
            # Its own temporary files would count the next time.
            _remove_leftovers(mirror)
            raise
        _set_head(mirror, branch)
        return
    try:
        _create(draft)
        _update(draft, url, session, deadline, limit)
        _set_head(draft, branch)
        draft.rename(mirror)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _remote_branch(url: str, session: Session, deadline: float) -> str:
    """Return the branch that HEAD of the remote names."""
    arguments = ["ls-remote", *_upload_pack(url), "--symref", "--", url, "HEAD"]
    found = _HEAD.search(_reach(arguments, None, url, session, deadline).stdout)
    return found[1].decode(errors="surrogateescape") if found else _NO_BRANCH


def _update(
    git_dir: Path, url: str, session: Session, deadline: float, limit: int
) -> None:
    def watch() -> None:
        mirror_size.require_below(limit, git_dir, url)

    arguments = ["fetch", *_OPTIONS, *_upload_pack(url), "--", url, *_REFSPECS]
    done = _reach(arguments, git_dir, url, session, deadline, watch)
    watch()  # the last part may have come since
    if _SHALLOW in done.stderr:  # and the exit code is 0
        raise RunnerError(
            f"{url} is a shallow clone, and lacks commits: run `git fetch --unshallow` "
            "in it."
        )
    _compact(git_dir)


def _reach(
    arguments: list[str],
    git_dir: Path | None,
    url: str,
    session: Session,
    deadline: float,
    watch: Callable[[], None] | None = None,
) -> git_command.CommandResult:
    """Run a command that talks to the remote."""
    left = deadline - time.monotonic()
    try:
        done = git_command.run(
            arguments, git_dir, env=session.env, timeout=left,
            config=("fetch.unpackLimit=1", "fetch.fsckObjects=false", *session.config),
            descriptors=session.descriptors, watch=watch,
        )  # fmt: skip
    except git_command.GitFailed as error:
        raise RunnerError(f"{url} can't be reached: {error}") from None
    if done.returncode:
        said = f"{url} can't be reached: {session.explain(done)}."
        if refused := session.refused_host_key(done):
            raise HostKeyRefused(said, refused)
        raise RunnerError(said)
    return done


def _upload_pack(url: str) -> list[str]:
    local = url.startswith(("/", "file://"))
    return [f"--upload-pack={_LOCAL_UPLOAD_PACK}"] if local else []


def _create(git_dir: Path) -> None:
    git_command.output(["init", "--bare", "--quiet", "--template=", str(git_dir)])
    (git_dir / "info").mkdir(exist_ok=True)
    (git_dir / "info" / "attributes").write_text(_ATTRIBUTES)


def _set_head(git_dir: Path, branch: str) -> None:
    git_command.output(["symbolic-ref", "HEAD", branch], git_dir)


def _compact(git_dir: Path) -> None:
    """Keep reading fast: combine packs, and index the graph of commits."""
    packs = sum(1 for _ in (git_dir / "objects" / "pack").glob("*.pack"))
    if packs > MAX_PACKS:
        git_command.run(["repack", "--geometric=2", "-d", "--quiet"], git_dir)
    git_command.run(
        ["commit-graph", "write", "--reachable", "--split", "--no-progress"], git_dir
    )


def _remove_leftovers(git_dir: Path) -> None:
    """Remove what a killed fetch has left: its locks would refuse each further one."""
    # The caller holds the lock of the mirror, so no other git writes to it.
    for pattern in (
        "*.lock", "refs/**/*.lock", "objects/info/**/*.lock", "objects/pack/tmp_*",
        "objects/pack/.tmp-*", "objects/info/commit-graphs/tmp_*",
    ):  # fmt: skip
        for path in git_dir.glob(pattern):
            path.unlink(missing_ok=True)
