r"""The canonical form of a text: without escapes, quotes and terminal sequences.

JSON writes a newline as `\n`, JSON within JSON as `\\n`; a URL writes it as `%0A`, HTML
as `&#10;`, a shell puts an apostrophe between other quotes. `CanonicalForm` decodes
such escapes, however often they were applied, and drops quotes and backslashes. It is
applied both to a secret and to the searched text, so the encoding needn't be known. It
takes time in proportion to the length of its input.
"""

import html
import re
from array import array
from bisect import bisect_right
from functools import lru_cache

from .terminal_sequences import SEQUENCE, span

# Each alternative matches a whole run of its first character (`\\\n`, `%2525`,
# `&amp;amp;`), so that nesting makes no difference and no input is read twice.
_ESCAPE_SOURCE = rb"""
      (?: \\ | %(?:25)*5[cC] )+
          (?: (?P<letter> [abfnrtv] )
            | u (?P<pair> [dD][89abAB][0-9a-fA-F]{2}
                        (?: \\ | %(?:25)*5[cC] )+ u [dD][c-fC-F][0-9a-fA-F]{2} )
            | u (?P<short> [0-9a-fA-F]{4} )
            | U (?P<long> [0-9a-fA-F]{8} )
            | x (?P<byte> [0-9a-fA-F]{2} )
            | (?P<octal> [0-3][0-7]{2} )
          )?
    | % (?:25)* (?P<percent> [0-9a-fA-F]{2} )
    | & (?:amp;)* (?: \# (?P<decimal> [0-9]{1,7} )
                    | \# [xX] (?P<hex> [0-9a-fA-F]{1,6} )
                    | (?P<name> amp | apos | gt | lt | nbsp | quot )
                  ) ;
    | \+
    | ["']+
    """
_ESCAPE = re.compile(_ESCAPE_SOURCE, re.VERBOSE)
_ESCAPE_OR_SEQUENCE = re.compile(SEQUENCE + b"|" + _ESCAPE_SOURCE, re.VERBOSE)
_LETTERS = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
_DROPPED = re.compile(rb"[\\\"']")


class CanonicalForm:
    """The canonical form of a content, with a mapping back to the original offsets.

    With `through_sequences`, the sequences of terminals are dropped too.
    """

    def __init__(self, content: bytes, *, through_sequences: bool = False) -> None:
        #: The spans of the dropped sequences in the original content.
        self.sequences: list[tuple[int, int]] = []
        #: The offset of each piece here and in the original content, and the end of a
        #: decoded piece in the original; -1 for a piece that is equal in both.
        self._here, self._there, self._end = array("q"), array("q"), array("q")
        self._pieces: list[bytes] = []
        self._length = 0
        at = 0
        pattern = _ESCAPE_OR_SEQUENCE if through_sequences else _ESCAPE
        while found := pattern.search(content, at):
            start, end = found.span()
            if start > at:
                self._add(content[at:start], at, -1)
            if through_sequences and found["sequence"]:
                start, end = span(found)
                self.sequences.append((start, end))
            elif decoded := _decoded(*_kind_of(found)):
                self._add(decoded, start, end)
            at = end
        if at < len(content):
            self._add(content[at:], at, -1)
        self.content = b"".join(self._pieces)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of `content[start:end]` in the original content."""
        return self._place(start)[0], self._place(end - 1)[1]

    def _add(self, piece: bytes, begin: int, end: int) -> None:
        self._pieces.append(piece)
        self._here.append(self._length)
        self._there.append(begin)
        self._end.append(end)
        self._length += len(piece)

    def _place(self, at: int) -> tuple[int, int]:
        """Return the original span of the byte at `at`."""
        piece = bisect_right(self._here, at) - 1
        begin, end = self._there[piece], self._end[piece]
        if end < 0:
            begin += at - self._here[piece]
            end = begin + 1
        return begin, end


def _kind_of(escape: re.Match[bytes]) -> tuple[str | None, bytes]:
    """Return the kind of an escape and the few characters that determine its meaning.

    A run can have any length, so it must not become a key of a cache.
    """
    kind = escape.lastgroup
    if kind is None:
        return None, escape[0][:1]
    content = escape[kind]
    return kind, content[:4] + content[-4:] if kind == "pair" else content


@lru_cache(maxsize=4096)
def _decoded(kind: str | None, escape: bytes) -> bytes:
    """Decode an escape, without quotes and backslashes."""
    match kind:
        case None:
            return b" " if escape == b"+" else b""
        case "letter":
            return _LETTERS[escape.decode()].encode()
        case "name":
            content = html.unescape(f"&{escape.decode()};").encode()
        case "pair":
            content = bytes.fromhex(escape.decode()).decode("utf-16-be").encode()
        case "byte" | "percent":
            content = bytes([int(escape, 16)])
        case "octal":
            content = bytes([int(escape, 8)])
        case "decimal":
            content = _character(int(escape))
        case _:
            content = _character(int(escape, 16))
    return _DROPPED.sub(b"", content).replace(b"+", b" ")


def _character(number: int) -> bytes:
    if number > 0x10FFFF:
        return b""
    return chr(number).encode("utf-8", "surrogatepass")
