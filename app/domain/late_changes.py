"""Order the changes of a file by deployments that run at the same time.

The versions of each deployment are recorded in order, but those of one deployment may
be recorded after those of another that changed the file later. The later one has found
a content that seems to come from outside of FastDeploy until the earlier change is
recorded. Such a version is a gap: the change belongs in front of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from app.domain import file_history
from app.domain.file_history import LastVersion, VersionKind
from app.runner.file_diffs import FileDiff

_GAPS = frozenset({VersionKind.OUTSIDE, VersionKind.FOUND})


@dataclass(frozen=True, slots=True)
class TimedChange:
    """A change of a file by a task that ran from `started` to `at`."""

    deployment: int
    started: datetime
    at: datetime
    diff: FileDiff


def may_be_late(last: LastVersion | None, change: TimedChange) -> bool:
    """Return whether another deployment may have changed the file after this change."""
    return last is not None and _is_concurrent(last, change)


def gap_of(versions: Sequence[LastVersion], change: TimedChange) -> int | None:
    """Return the index of the version that a change belongs in front of.

    It is that with the best explanation: the change continues the version before it,
    makes what was found, or both. None if the change is the last one. `versions` are
    the last ones of the file, oldest first.
    """
    # A change that continues the last version is only earlier if this explains both.
    least = 2 if _matches(versions[-1], change.diff) else 0
    scored = [
        (score, index)
        for index, version in enumerate(versions)
        if version.kind in _GAPS
        and _is_concurrent(version, change)
        and not _matches(version, change.diff)
        and (score := _score(versions[:index], version, change)) >= least
    ]
    return max(scored)[1] if scored else None


def place_beside(versions: Sequence[LastVersion], change: TimedChange) -> int | None:
    """Return the index at which to add a change that another one has overtaken.

    Two deployments that write a file at the same time both find the same content. The
    one that ended later is the later version. None if there is no such version.
    """
    for index, (version, later) in enumerate(pairwise(versions), start=1):
        if _is_concurrent(later, change) and _matches(version, change.diff):
            return index if change.at < later.at else len(versions)
    return None


def _is_concurrent(version: LastVersion, change: TimedChange) -> bool:
    is_other = version.deployment != change.deployment
    return is_other and version.at >= change.started


def _score(before: Sequence[LastVersion], gap: LastVersion, change: TimedChange) -> int:
    """Return how many sides of a gap a change explains; -1 if it doesn't belong there.

    A change that explains neither belongs there by its time alone.
    """
    continues = bool(before) and _matches(before[-1], change.diff)
    score = continues + _makes(change.diff, gap)
    if score:
        return score
    is_after = not before or before[-1].at <= change.at
    return 0 if is_after and change.at < gap.at else -1


def _matches(version: LastVersion, diff: FileDiff) -> bool:
    """Return whether a task found the content of a version."""
    return diff.before is not None and file_history.is_same(version, diff) is True


def _makes(diff: FileDiff, found: LastVersion) -> bool:
    """Return whether a task wrote the content that another one found."""
    if diff.after is None:
        return False
    written = LastVersion(
        VersionKind.CHANGED, found.at, diff.after, digest=diff.digest_after
    )
    return file_history.is_same(written, as_diff(found)) is True


def as_diff(found: LastVersion) -> FileDiff:
    """Return the diff of a task that found this version."""
    return FileDiff("", found.text, None, digest_before=found.digest)
