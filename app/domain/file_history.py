"""The versions of a file on a host, and what the diff of a task adds to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain import text_delta
from app.runner.file_diffs import FileDiff, have_same_key


class VersionKind(StrEnum):
    """How a version came about; the values are stored."""

    #: A task wrote the content.
    CHANGED = "changed"
    #: A task removed the file.
    REMOVED = "removed"
    #: A task found another content than that of the version before.
    OUTSIDE = "outside"
    #: A task found the content before the first change, or after an unknown version.
    FOUND = "found"
    #: A task wrote or found a content that Ansible didn't report.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to add; `text` is None if the content isn't known."""

    kind: VersionKind
    text: str | None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class LastVersion:
    """The last version of a file; `text` is None if the content isn't known or kept.

    `deployment` is the one that wrote or found it.
    """

    kind: VersionKind
    at: datetime
    text: str | None
    digest: str = ""
    deployment: int = 0


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version as it is stored.

    `delta` makes the text with that of the next version that has one; None if the
    content isn't known, or was removed by retention.
    """

    kind: VersionKind
    delta: bytes | None


def add(last: LastVersion | None, diff: FileDiff) -> list[NewVersion]:
    """Return the versions that the diff of a task adds to those of a file, in order."""
    if diff.removed:
        known = last is not None and last.kind is not VersionKind.REMOVED
        return [NewVersion(VersionKind.REMOVED, "")] if known else []
    if diff.after is None:
        written = NewVersion(VersionKind.UNKNOWN, None)
    else:
        written = NewVersion(VersionKind.CHANGED, diff.after, diff.digest_after)
    found = find(last, diff)
    return [written] if found is None or found == written else [found, written]


def find(last: LastVersion | None, diff: FileDiff) -> NewVersion | None:
    """Return the version that a task found, if it isn't the last one."""
    if diff.before is None:
        is_new = last is None or last.kind is not VersionKind.UNKNOWN
        return NewVersion(VersionKind.UNKNOWN, None) if is_new else None
    if last is None:
        return _version(VersionKind.FOUND, diff) if diff.before else None
    same = is_same(last, diff)
    if same is None:
        return _version(VersionKind.FOUND, diff)
    return None if same else _version(VersionKind.OUTSIDE, diff)


def _version(kind: VersionKind, diff: FileDiff) -> NewVersion:
    return NewVersion(kind, diff.before, diff.digest_before)


def is_same(last: LastVersion, diff: FileDiff) -> bool | None:
    """Compare what a task found with the last version; None if that isn't known.

    The digests are those of the contents before masking. They show whether a masked
    secret has changed, and whether the same one was masked only once.
    """
    if last.kind is VersionKind.UNKNOWN:
        return None
    if have_same_key(last.digest, diff.digest_before):
        return last.digest == diff.digest_before
    return None if last.text is None else last.text == diff.before


def texts(versions: Sequence[StoredVersion]) -> list[str | None]:
    """Return the text of each version, given all versions of a file, oldest first.

    It is None if the content isn't known or kept.
    """
    found: list[str | None] = []
    base = ""
    for version in reversed(versions):
        text = None
        if version.delta is not None:
            text = _decode(version.delta, base)
        found.append(text)
        base = base if text is None else text
    return found[::-1]


def _decode(delta: bytes, base: str) -> str | None:
    try:
        return text_delta.decode(delta, base)
    except ValueError:
        # A version in between is missing, so nothing is known of this one.
        return None
