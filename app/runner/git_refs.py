"""List the branches and tags of a mirror, and find the commit that a text names."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import git_command
from .errors import RunnerError
from .git_source import BRANCHES, TAGS, GitSource, short_name

COMMIT = re.compile(r"[0-9a-f]{40}")
_ABBREVIATED = re.compile(r"[0-9a-fA-F]{7,40}")
_FIELDS = (
    "%(refname)", "%(objecttype)", "%(objectname)", "%(*objecttype)", "%(*objectname)",
    "%(creatordate:iso-strict)", "%(contents:subject)",
)  # fmt: skip
#: The number of refs that a message suggests.
_SIMILAR = 5


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or tag.

    Attributes:
        name: The full name, such as `refs/heads/main`.
        short: The name without `refs/heads/` or `refs/tags/`.
        commit: The commit, also of an annotated tag.
        date: When the commit or the annotated tag was made, in ISO 8601.
        subject: The first paragraph of its message.
    """

    name: str
    short: str
    commit: str
    date: str
    subject: str


@dataclass(frozen=True, slots=True)
class ResolvedRef:
    """The commit that a text names, and the full name of its ref; empty for a hash."""

    ref: str
    commit: str


def every(git_dir: Path, patterns: Sequence[str] = (BRANCHES, TAGS)) -> list[Ref]:
    """Return the branches and tags of a mirror that name commits, newest first.

    A ref whose name isn't UTF-8 is left out.

    Args:
        git_dir: The mirror.
        patterns: Folders of refs, or full names.
    """
    printed = git_command.output(
        ["for-each-ref", "--sort=-creatordate", f"--format={'%00'.join(_FIELDS)}",
         *patterns],
        git_dir,
    )  # fmt: skip
    found = (_ref(git_dir, line) for line in printed.split(b"\n") if line)
    return [ref for ref in found if ref]


def names(git_dir: Path, option: str, commit: str) -> list[str]:
    """Return the full names of the refs that `--contains` or `--points-at` a commit."""
    printed = git_command.output(
        ["for-each-ref", "--format=%(refname)", f"{option}={commit}", BRANCHES, TAGS],
        git_dir,
    )
    return printed.decode(errors="surrogateescape").split("\n")[:-1]


def resolve(git_dir: Path, source: GitSource, text: str) -> ResolvedRef:
    """Return the commit that a branch, a tag or the digits of a hash name.

    40 digits are always a commit; fewer are one if no branch or tag has that name.

    Raises:
        RunnerError: No allowed ref or commit has this name, or several have.
    """
    if COMMIT.fullmatch(text):
        return ResolvedRef("", _commit(git_dir, source, text))
    found = _exact(git_dir, text)
    if len({ref.commit for ref in found}) > 1:
        raise RunnerError(
            f"{text} is both a branch and a tag of {source.url}: write "
            f"{BRANCHES}{text} or {TAGS}{text}."
        )
    if allowed := [ref for ref in found if source.allows(ref.name)]:
        # The tag, if there is also a branch: it is less likely to move.
        return max(
            (ResolvedRef(ref.name, ref.commit) for ref in allowed),
            key=lambda at: at.ref,
        )
    if found:
        raise RunnerError(
            f"{text} of {source.url} is not allowed: choose one of "
            f"{source.describe_allowed()}."
        )
    if _ABBREVIATED.fullmatch(text):
        return ResolvedRef("", _commit(git_dir, source, text.lower()))
    raise RunnerError(_unknown(git_dir, source, text))


def is_commit(git_dir: Path, commit: str) -> bool:
    """Return whether a mirror has the commit with this hash."""
    arguments = ["cat-file", "-e", f"{commit}^{{commit}}"]
    return git_command.run(arguments, git_dir).returncode == 0


def _ref(git_dir: Path, line: bytes) -> Ref | None:
    raw, kind, name, peeled_kind, peeled, date, subject = line.split(b"\0", 6)
    try:
        ref = raw.decode()
    except UnicodeDecodeError:
        return None
    commit = (name if kind == b"commit" else peeled).decode()
    if kind == b"tag" and peeled_kind == b"tag":
        # for-each-ref peels only once.
        commit = _peel(git_dir, ref)
    elif b"commit" not in {kind, peeled_kind}:
        return None
    return (
        commit
        and Ref(
            ref,
            short_name(ref),
            commit,
            date.decode(),
            subject.decode(errors="replace"),
        )
    ) or None


def _exact(git_dir: Path, text: str) -> list[Ref]:
    wanted = (
        [text] if text.startswith((BRANCHES, TAGS)) else [BRANCHES + text, TAGS + text]
    )
    if not text.isprintable() or not _is_text(text):
        return []
    # A name is also a pattern for the refs below it, and may contain a wildcard.
    return [ref for ref in every(git_dir, wanted) if ref.name in wanted]


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _peel(git_dir: Path, text: str) -> str:
    """Return the commit that a full name or a hash names; empty if there is none."""
    done = git_command.run(
        ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}"],
        git_dir,
    )
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def _commit(git_dir: Path, source: GitSource, digits: str) -> str:
    if found := _peel(git_dir, digits):
        return found
    raise RunnerError(
        f"{source.url} has no commit {digits}, or several that begin with these "
        "digits: write a branch, a tag or all 40 digits."
    )


def _unknown(git_dir: Path, source: GitSource, text: str) -> str:
    known = [ref for ref in every(git_dir) if source.allows(ref.name)]
    if not known:
        return (
            f"{source.url} has no allowed branch or tag "
            f"({source.describe_allowed()}): push one."
        )
    by_name = {name: None for ref in known for name in (ref.short, ref.name)}
    pool = by_name if text.startswith("refs/") else {ref.short: None for ref in known}
    similar = difflib.get_close_matches(text, pool, _SIMILAR, 0.5)
    similar = similar or [ref.short for ref in known[:_SIMILAR]]
    shown = text if text.isprintable() and _is_text(text) else ascii(text)
    return (
        f"{source.url} has no branch, tag or commit {shown}: choose one, such as "
        f"{', '.join(similar)}."
    )
