"""Compare a file of two hosts, or of one host at two times."""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.file_history import VersionKind
from app.runner.file_diffs import have_same_key
from app.runner.masking import MASK


class FileDifference(StrEnum):
    """How a file differs between two sides."""

    #: Both have it, with other contents.
    DIFFERS = "differs"
    #: Only the first one is known to have it.
    ONLY_A = "only_a"
    #: Only the second one is known to have it.
    ONLY_B = "only_b"
    #: Both have it, and the contents can't be compared.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of a file: `text` is None if the content isn't known or kept.

    `digest` is the keyed one of the text before masking; empty if it isn't known.
    """

    kind: VersionKind
    digest: str
    text: str | None


def compare(a: Content | None, b: Content | None) -> FileDifference | None:
    """Return how a file differs; None if it is the same on both sides.

    Masked texts are compared by their digests. Those of different projects have
    different keys: then equal texts with a masked secret can't be compared.
    """
    if a is None or b is None:
        return FileDifference.ONLY_A if b is None else FileDifference.ONLY_B
    if have_same_key(a.digest, b.digest):
        return None if a.digest == b.digest else FileDifference.DIFFERS
    if a.text is None or b.text is None:
        return FileDifference.UNKNOWN
    if a.text != b.text:
        return FileDifference.DIFFERS
    return FileDifference.UNKNOWN if MASK in a.text else None
