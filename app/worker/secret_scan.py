r"""Exclude quickly that a content has a secret.

Nearly every block of a journal has none. RE2 searches every third byte of a block for
all secrets at once. This takes less time than `app.runner.secret_search`, which needs
no package, and decides which secrets a content may have.
"""

import re
from functools import cached_property

import re2

from app.runner.masking import Masker
from app.runner.secret_encodings import PLAIN

#: A shorter content isn't worth making the pattern.
SMALL = 64 * 1024
#: Bytes of an anchor that are searched for: its last ones.
_TAIL = 16
#: Bytes that are searched for at least, and the largest distance between them.
_LEAST, _MOST_APART = 4, 3
#: The maximum number of anchors, and of bytes for RE2: a kilobyte for each state.
_MOST, _MEMORY = 2000, 64 * 1024 * 1024
# A terminal's sequence behind a character of an anchor may interrupt it. In `\n\u001b`,
# n is not one, unless it is the first one of an anchor, which isn't searched for.
_ESCAPED = re.compile(rb"\\(?<=[^\\][%b]\\)\\*(?:u001[bB]|x1[bB])" % PLAIN.encode())
_RAW = re.compile(rb"\x1b(?<=[\\%b]\x1b)" % PLAIN.encode())


class SecretScan:
    """Searches contents for the secrets that a masker has at the first search."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker

    def finds(self, content: bytes) -> bool:
        """Return whether the content may contain a secret; False is certain."""
        if len(content) < SMALL or self._may_contain(content):
            return self._masker.finds(content)
        return False

    def _may_contain(self, content: bytes) -> bool:
        pattern, apart = self._search
        return (
            pattern is None
            or pattern.search(content[::apart]) is not None
            or (b"\\" in content and _ESCAPED.search(content) is not None)
            or (b"\x1b" in content and _RAW.search(content) is not None)
        )

    @cached_property
    def _search(self) -> "tuple[re2._Regexp | None, int]":
        """Return a pattern, and the distance of the bytes in which it searches.

        The pattern is None if there are too many secrets, or none.
        """
        tails = {anchor[1:][-_TAIL:] for anchor in self._masker.anchors}
        least = min(map(len, tails), default=0)
        if not least or len(tails) > _MOST:
            return None, 1
        apart = max(min(least // _LEAST, _MOST_APART), 1)
        parts = {tail[first::apart] for tail in tails for first in range(apart)}
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.log_errors = False
        options.never_capture = True
        options.max_mem = _MEMORY
        # Anchors have no other character that means something to RE2.
        source = "|".join(part.replace(".", r"\.") for part in sorted(parts))
        # re2.compile would keep the secrets in a cache.
        return re2._Regexp(source.encode(), options), apart  # noqa: SLF001 - see above
