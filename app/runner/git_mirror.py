"""The mirror of a git repository, and the read-only trees of its commits."""

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from . import git_command, git_fetch, git_refs, git_signature, git_tree
from .errors import RunnerError
from .git_credential import Access
from .git_refs import Ref, ResolvedRef
from .git_source import GitSource, short_name

#: The maximum size of a file that is read from a commit, in bytes.
MAX_BYTES = 1024 * 1024
#: The maximum length of a summary of changed files, in characters.
MAX_STAT = 20_000
_MAX_STAT_FILES = 200
#: The number of refs that a message names.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit between two others.

    Attributes:
        commit: The hash.
        author: The name of the author.
        date: When it was committed, in ISO 8601.
        subject: The first paragraph of its message.
        removed: The older of both commits contains it, and the newer doesn't: the
            change is a rollback, or the branch was rewritten.
    """

    commit: str
    author: str
    date: str
    subject: str
    removed: bool = False


class Mirror:
    """A bare mirror of a repository in a private folder.

    Methods that take a commit expect all 40 digits of its hash.

    Attributes:
        source: The repository, and what is allowed.
        git_dir: The mirror; it exists after the first complete fetch.
    """

    def __init__(self, source: GitSource, folder: Path) -> None:
        self.source = source
        self._folder = folder.absolute()
        self.git_dir = self._folder / git_fetch.MIRROR
        self._trees = self._folder / "trees"

    def limited_to(self, refs: tuple[str, ...]) -> "Mirror":
        """Return the same mirror with other patterns of allowed refs."""
        return Mirror(replace(self.source, refs=refs), self._folder)

    def has(self, commit: str) -> bool:
        """Return whether the mirror has a commit."""
        return self.exists and git_refs.is_commit(self.git_dir, commit)

    @property
    def exists(self) -> bool:
        """Whether the repository was fetched."""
        return self.git_dir.exists()

    def fetch(
        self,
        timeout: float,
        access: Access = Access(),  # noqa: B008 - it is frozen
    ) -> None:
        """Create or update the mirror; see `git_fetch.fetch`."""
        git_fetch.fetch(self.source, self._folder, timeout, access)

    def refs(self) -> list[Ref]:
        """Return the allowed branches and tags, newest first."""
        everything = git_refs.every(self._git())
        return [ref for ref in everything if self.source.allows(ref.name)]

    def default_ref(self) -> str:
        """Return the full name of the branch that the repository's HEAD names.

        Raises:
            RunnerError: HEAD names no branch, or one that isn't allowed or was removed.
        """
        printed = git_command.output(["symbolic-ref", "HEAD"], self._git())
        ref = printed.decode(errors="surrogateescape").strip()
        if any(ref == known.name for known in self.refs()):
            return ref
        raise RunnerError(
            f"{self.source.url} has no default branch that is allowed: choose one of "
            f"{self.source.describe_allowed()}."
        )

    def resolve(self, text: str) -> ResolvedRef:
        """Return the commit that a branch, a tag or a hash names.

        Raises:
            RunnerError: No allowed ref or commit has this name, or several have.
        """
        return git_refs.resolve(self._git(), self.source, text)

    def require_allowed(self, commit: str, ref: str = "") -> None:
        """Raise an error unless a commit may be run.

        Args:
            commit: A commit that is reachable from an allowed ref.
            ref: The full name of the ref that was resolved to it. If it is an annotated
                tag, the tag may be signed in place of the commit.

        Raises:
            RunnerError: An allowed ref doesn't contain it, or it isn't signed.
        """
        self.require_reachable(commit)
        if signers := self.source.allowed_signers:
            git_signature.require(self._git(), Path(signers), commit, ref)

    def require_reachable(self, commit: str) -> None:
        """Raise an error unless an allowed branch or tag contains a commit.

        Raises:
            RunnerError: There is no such commit, or no allowed ref contains it.
        """
        self._require_known(commit)
        for option in ("--points-at", "--contains"):  # the first one is much faster
            found = git_refs.names(self._git(), option, commit)
            if any(map(self.source.allows, found)):
                return
        if not found:
            raise RunnerError(
                f"Commit {commit[:12]} is not in a branch or tag of {self.source.url} "
                "any more: a force-push or the removal of a branch has removed it; "
                "choose another one."
            )
        shown = ", ".join(map(_printable, found[:_NAMED]))
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise RunnerError(
            f"Commit {commit[:12]} is only in {shown}{more}, but must be in an allowed "
            f"ref of {self.source.url}: {self.source.describe_allowed()}."
        )

    def read(self, commit: str, path: str, limit: int = MAX_BYTES) -> bytes | None:
        """Return the content of a file in a commit; None if there is no regular file.

        Raises:
            RunnerError: The commit is unknown, or the file has more than `limit` bytes.
        """
        self._require_known(commit)
        if path.startswith("/") or not {"", ".", ".."}.isdisjoint(path.split("/")):
            return None
        listed = git_command.output(
            ["ls-tree", "-z", "-l", "--full-tree", commit, "--", path], self._git()
        )
        if not listed.startswith(b"100"):
            return None
        _, _, name, size = listed.partition(b"\t")[0].split()
        if int(size) > limit:
            raise RunnerError(
                f"{path} is larger than {limit:,} bytes: make it smaller."
            )
        return git_command.output(["cat-file", "blob", name.decode()], self._git())

    def log(self, older: str, newer: str, limit: int = 100) -> list[Commit]:
        """Return the commits in which two commits differ, newest first.

        Those that only the older one contains are marked as removed.
        """
        self._require_known(older, newer)
        printed = git_command.output(
            ["log", "--left-right", f"--max-count={limit}", "--encoding=UTF-8",
             "--no-color", "--no-show-signature", "--no-use-mailmap",
             "--format=%m%x00%H%x00%an%x00%cI%x00%s", f"{older}...{newer}", "--"],
            self._git(),
        ).decode(errors="replace")  # fmt: skip
        fields = (line.split("\0", 4) for line in printed.split("\n") if line)
        return [
            Commit(commit, author, date, subject, removed=side == "<")
            for side, commit, author, date, subject in fields
        ]

    def stat(self, older: str, newer: str) -> str:
        """Return `git diff --stat` between two commits, shortened if it is long."""
        self._require_known(older, newer)
        printed = git_command.output(
            ["diff", "--stat=100", f"--stat-count={_MAX_STAT_FILES}", "--no-color",
             "--no-ext-diff", "--no-textconv", older, newer, "--"],
            self._git(),
        ).decode(errors="replace")  # fmt: skip
        return printed[:MAX_STAT]

    def tree(self, commit: str) -> Path:
        """Return the folder with the files of a commit; see `git_tree.make`."""
        _require_hash(commit)
        if found := git_tree.find(self._trees, commit):
            return found
        self._require_known(commit)
        return git_tree.make(self._git(), self._trees, commit)

    def hold(self, commit: str) -> int:
        """Keep the tree of a commit from being removed; see `git_tree.hold`."""
        _require_hash(commit)
        return git_tree.hold(self._trees, commit)

    def prune(self, keep: Collection[str]) -> list[str]:
        """Remove trees that are neither kept nor held; see `git_tree.prune`."""
        return git_tree.prune(self._trees, keep)

    def newest_trees(self, number: int) -> list[str]:
        """Return the commits whose trees were made last."""
        return git_tree.newest(self._trees, number)

    def _git(self) -> Path:
        """Return the git directory."""
        if not self.exists:
            raise RunnerError(
                f"{self.source.url} was not fetched yet: sync the services."
            )
        return self.git_dir

    def _require_known(self, *commits: str) -> None:
        for commit in commits:
            _require_hash(commit)
            if not git_refs.is_commit(self._git(), commit):
                raise RunnerError(
                    f"{self.source.url} has no commit {commit[:12]}: it was removed, "
                    "or never pushed; choose another one."
                )


def _require_hash(commit: str) -> None:
    if not git_refs.COMMIT.fullmatch(commit):
        raise RunnerError(
            f"{commit!a} is not the full hash of a commit: write all 40 digits."
        )


def _printable(ref: str) -> str:
    return os.fsencode(short_name(ref)).decode(errors="replace")
