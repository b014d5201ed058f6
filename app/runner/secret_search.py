"""Search a content for many secrets at once.

Most contents have none. So a content is cut into words of four bytes, and each word is
looked up in the words that the secrets have: this takes the same time for one secret
and for thousands. Only the secrets that share a word are then searched for.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from .secret_encodings import Edges, anchor, literals, needles
from .terminal_sequences import split

#: Bytes of a repetitive text that are compared at once.
_STRIDE = 4096
#: The sizes of words in bytes, and their formats for `memoryview`.
_FORMATS: dict[int, Literal["I", "Q"]] = {4: "I", 8: "Q"}


class Needle:
    """A text that is searched for."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def occurrences(self, content: bytes) -> Iterator[tuple[int, int]]:
        """Yield the spans of the text; overlapping occurrences are one span.

        Of an occurrence that overlaps with the previous one, only the added part is
        compared, so this takes linear time even if the text repeats itself.
        """
        text, length = self._text, len(self._text)
        at = content.find(text)
        while at >= 0:
            start, end = at, at + length
            while 0 <= at < end:
                end = at + length
                for added in self._added:
                    while content.startswith(added, end):
                        end += len(added)
                at = content.find(text, end - length + 1)
            yield start, end

    @cached_property
    def _added(self) -> tuple[bytes, bytes]:
        """Return what an overlapping occurrence adds: repeated, and once.

        The repetitions are for long texts: they are compared in one step.
        """
        text = self._text
        borders = [0] * len(text)
        border = 0
        for at in range(1, len(text)):
            while border and text[at] != text[border]:
                border = borders[border - 1]
            border += text[at] == text[border]
            borders[at] = border
        # `border` is the longest proper prefix that is also a suffix. The text behind
        # it is the shortest addition that makes the text occur again.
        once = text[border:]
        return once * (_STRIDE // len(once) + 1), once


class Spellings:
    """The texts to search for to find one secret."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.anchor = anchor(text).encode()

    # Made only if the content may contain the secret: most runs don't print any.
    @cached_property
    def edges(self) -> Edges:
        """The quotes and backslashes at both ends."""
        return Edges(self._text)

    @cached_property
    def literals(self) -> list[Needle]:
        """What to search for in the content itself."""
        return [Needle(form) for form in set(literals(self._text))]

    @cached_property
    def needles(self) -> list[Needle]:
        """What to search for in its canonical form."""
        return [Needle(form) for form in set(needles(self._text))]


class Index:
    """Finds the secrets that a content may contain."""

    def __init__(self) -> None:
        #: Anchors that are too short to contain a whole word at any alignment.
        self._short: list[Spellings] = []
        #: The secrets by their words, for each size of words.
        self._by_word: dict[int, dict[int, list[Spellings]]] = {
            size: defaultdict(list) for size in _FORMATS
        }
        self._words: dict[int, set[int]] = {size: set() for size in _FORMATS}
        self._size = max(_FORMATS)

    def add(self, one: Spellings) -> None:
        """Add a secret."""
        if len(one.anchor) < _window(min(_FORMATS)):
            self._short.append(one)
            return
        if len(one.anchor) < _window(self._size):
            self._size = min(_FORMATS)
        for size in _FORMATS:
            window = one.anchor[-_window(size) :]
            for at in range(size if len(window) == _window(size) else 0):
                word = int.from_bytes(window[at : at + size], sys.byteorder)
                self._words[size].add(word)
                self._by_word[size][word].append(one)

    def candidates(self, content: bytes) -> list[Spellings]:
        """Return the secrets that the content may contain; the others are not in it."""
        found = [one for one in self._short if one.anchor in content]
        found += self._with_words_of(content, content)
        pieces = split(content)
        if len(pieces) > 1:
            # What a sequence interrupts has words that lie near the sequence.
            near = _window(self._size)
            pieces = [piece.rstrip(b"\\") for piece in pieces]
            ends = (p if len(p) <= 2 * near else p[:near] + p[-near:] for p in pieces)
            without = b"".join(pieces)
            found += [one for one in self._short if one.anchor in without]
            found += self._with_words_of(b"".join(ends), without)
        return found

    def _with_words_of(self, content: bytes, whole: bytes) -> list[Spellings]:
        """Return the secrets that share a word with the content, and are in `whole`."""
        size = self._size
        words = self._words[size]
        if not words:
            return []
        length = len(content) // size * size
        here = memoryview(content)[:length].cast(_FORMATS[size])
        if words.isdisjoint(here):
            return []
        by_word = self._by_word[size]
        sharing = {id(one): one for word in words.intersection(here)
                   for one in by_word[word]}  # fmt: skip
        return [one for one in sharing.values() if one.anchor in whole]


def _window(size: int) -> int:
    """Return the length of a text that contains a whole word at any alignment."""
    return 2 * size - 1
