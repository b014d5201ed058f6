"""Search a content for many secrets at once.

Most contents have none. So words of eight bytes are taken from the content, and looked
up in the words that the secrets have at any offset: this takes the same time for one
secret and for thousands. A secret of fifteen bytes contains one whole word wherever it
is; of a longer one, fewer words of the content have to be looked up. For secrets from
seven bytes on, there are words of four bytes. Only the secrets that share a word are
then searched for.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from .secret_encodings import PLAIN, Edges, anchor, literals, needles
from .terminal_sequences import between, split

#: Bytes of a repetitive text that are compared at once.
_STRIDE = 4096
#: The largest distance of two words that are looked up, in words.
_MOST_STEPS = 3
#: Bytes beside a sequence of a terminal that may have the words of a secret.
_NEAR = (_MOST_STEPS + 1) * 8
#: Secrets that are searched for one by one, rather than to look up every word.
_FEW = 12

#: Whether a sequence may interrupt an anchor.
_interrupts_word = between(PLAIN.encode())


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
    def _added(self) -> tuple[bytes, ...]:
        """Return what an overlapping occurrence adds: repeated, and once.

        The repetitions are for long texts: they are compared in one step. No two
        occurrences of most texts can overlap; nothing is returned for those.
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
        if not border:
            return ()
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


class Words:
    """The words that secrets have at any offset, and the secrets that have them."""

    def __init__(self, size: int, code: Literal["I", "Q"]) -> None:
        #: Bytes of a word.
        self.size = size
        #: The length of an anchor that contains a whole word at any alignment.
        self.least = 2 * size - 1
        self._code = code
        self._words: set[int] = set()
        self._by_word: dict[int, list[Spellings]] = defaultdict(list)
        #: The distance of the words of a content that are looked up, in words.
        self._step = _MOST_STEPS

    def add(self, one: Spellings) -> None:
        """Add a secret whose anchor has at least one word."""
        window = one.anchor[-(_MOST_STEPS + 1) * self.size + 1 :]
        self._step = min(self._step, max((len(window) + 1) // self.size - 1, 1))
        for at in range(len(window) - self.size + 1):
            word = int.from_bytes(window[at : at + self.size], sys.byteorder)
            self._words.add(word)
            self._by_word[word].append(one)

    def sharing(self, content: bytes, *, dense: bool = False) -> list[Spellings]:
        """Return the secrets that share a word with the content.

        With `dense`, words at every offset are looked up: an anchor may be shorter.
        """
        found: list[Spellings] = []
        for shift in range(self.size if dense else 1):
            end = len(content) - (len(content) - shift) % self.size
            if not self._words or end <= shift:
                break
            words = memoryview(content)[shift:end].cast(self._code)
            here = words if dense else words[:: self._step]
            if not self._words.isdisjoint(here):
                for word in self._words.intersection(here):
                    found += self._by_word[word]
        return found


class Index:
    """Finds the secrets that a content may contain."""

    def __init__(self) -> None:
        #: Secrets to search for one by one: those without a whole word.
        self._tiny: list[Spellings] = []
        #: Secrets that have a word at some alignments only.
        self._brief: list[Spellings] = []
        # Long words are rarely there by chance, even those of hexadecimal numbers.
        self._short, self._long = Words(4, "I"), Words(8, "Q")

    def add(self, one: Spellings) -> None:
        """Add a secret."""
        length = len(one.anchor)
        if length >= self._long.least:
            self._long.add(one)
        elif length >= self._short.size:
            self._short.add(one)
            if length < self._short.least:
                self._brief.append(one)
        else:
            self._tiny.append(one)

    def candidates(self, content: bytes) -> list[Spellings]:
        """Return the secrets that the content may contain; the others are not in it."""
        found = {id(one): one for one in self._likely(content) if one.anchor in content}
        if _interrupts_word(content):
            pieces = split(content)
            # What a sequence interrupts has words that lie near the sequence.
            near = b"".join(
                piece if len(piece) <= 2 * _NEAR else piece[:_NEAR] + piece[-_NEAR:]
                for piece in pieces
            )
            if likely := self._likely(near):
                whole = b"".join(pieces)
                found |= {id(one): one for one in likely if one.anchor in whole}
        return list(found.values())

    def _likely(self, content: bytes) -> list[Spellings]:
        """Return the secrets that share a word with the content, or have no word."""
        is_dense = len(self._brief) > _FEW
        return [
            *(self._tiny if is_dense else self._tiny + self._brief),
            *self._short.sharing(content, dense=is_dense),
            *self._long.sharing(content),
        ]
