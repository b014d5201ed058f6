"""The revision of a project that a deployment runs: a commit, and how it was chosen."""

from dataclasses import dataclass

from app.domain.service import Service

#: The number of digits of a commit to display.
_SHORT = 10
_TAG, _BRANCH = "refs/tags/", "refs/heads/"


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of a project's repository, with the service as it is defined there."""

    service: Service
    commit: str
    #: The branch or tag that was chosen, as a full name; empty for a commit.
    ref: str


def label(ref: str, commit: str, changes: str = "") -> str:
    """Return a short text for a revision: the tag, or the first digits of the commit.

    Args:
        ref: The full name of a branch or tag; empty if a commit was chosen.
        commit: The commit; empty if there is none.
        changes: A digest of uncommitted changes; empty if there are none.
    """
    name = ref.removeprefix(_TAG) if ref.startswith(_TAG) else commit[:_SHORT]
    return f"{name}, changed" if changes else name


def short(ref: str) -> str:
    """Return the name of a branch or tag without its kind."""
    return ref.removeprefix(_TAG).removeprefix(_BRANCH)
