"""Search a content for many secrets at once.

Most contents have none. So words of four bytes are taken from the content, and looked
up in the words that the secrets have at any offset: this takes the same time for one
secret and for thousands. A secret of seven bytes contains a whole word of every four,
a longer one a word of every eight, twelve or sixteen bytes. Only the secrets that share
a word are then searched for.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from .secret_encodings import Edges, anchor, literals, needles
from .terminal_sequences import split

#: Bytes of a repetitive text that are compared at once.
_STRIDE = 4096
#: Bytes of a word.
_WORD = 4
#: Bytes of a secret whose words are looked up. If no secret is shorter, one word of
#: every 16 bytes is enough.
_WINDOW = 19
#: Secrets that are searched for one by one, rather than to look up every word.
_FEW = 12


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
        #: Secrets to search for one by one: those without a whole word.
        self._tiny: list[Spellings] = []
        #: Secrets that have a word at some alignments only.
        self._brief: list[Spellings] = []
        self._by_word: dict[int, list[Spellings]] = defaultdict(list)
        self._words: set[int] = set()
        #: The distance of the words of a content that are looked up, in words.
        self._step = _WINDOW // _WORD

    def add(self, one: Spellings) -> None:
        """Add a secret."""
        length = len(one.anchor)
        if length < _WORD:
            self._tiny.append(one)
            return
        if length < 2 * _WORD - 1:
            self._brief.append(one)
        else:
            self._step = min(self._step, (length - _WORD + 1) // _WORD)
        window = one.anchor[-_WINDOW:]
        for at in range(len(window) - _WORD + 1):
            word = int.from_bytes(window[at : at + _WORD], sys.byteorder)
            self._words.add(word)
            self._by_word[word].append(one)

    def candidates(self, content: bytes) -> list[Spellings]:
        """Return the secrets that the content may contain; the others are not in it."""
        found = self._within(content, content)
        pieces = split(content)
        if len(pieces) > 1:
            # What a sequence interrupts has words that lie near the sequence.
            near = b"".join(
                piece if len(piece) <= 2 * _WINDOW
                else piece[:_WINDOW] + piece[-_WINDOW:] for piece in pieces
            )  # fmt: skip
            found |= self._within(near, b"".join(pieces))
        return list(found.values())

    def _within(self, content: bytes, whole: bytes) -> dict[int, Spellings]:
        """Return the secrets that are in `whole`, by their identity.

        The words of `content` are looked up.
        """
        is_dense = len(self._brief) > _FEW
        single = self._tiny if is_dense else [*self._tiny, *self._brief]
        found = {id(one): one for one in single if one.anchor in whole}
        for shift in range(_WORD if is_dense else 1):
            end = len(content) - (len(content) - shift) % _WORD
            if not self._words or end <= shift:
                break
            words = memoryview(content)[shift:end].cast("I")
            if not is_dense:
                words = words[:: self._step]
            if not self._words.isdisjoint(words):
                for word in self._words.intersection(words):
                    found |= {id(one): one for one in self._by_word[word]
                              if one.anchor in whole}  # fmt: skip
        return found
