r"""Find a text in any of the encodings in which programs write it.

JSON writes a newline as `\n`, JSON within JSON as `\\n`; a URL writes it as `%0A`, HTML
as `&#10;`, a shell puts an apostrophe between other quotes. `Canonical` decodes such
escapes, however often they were applied, and drops quotes and backslashes. It is
applied both to a secret and to the searched text, so the encoding needn't be known.

Every function takes time in proportion to the length of its input.
"""

import base64
import html
import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

#: A shorter piece of base64, or of a canonical form, occurs in any text by chance.
_MIN_ENCODED = 8
_MIN_CANONICAL = 4
#: How often a text is encoded as JSON if its canonical form is too short.
_LEVELS = 4

# Each alternative matches a whole run of its first character (`\\\n`, `%2525`,
# `&amp;amp;`), so that nesting makes no difference and no input is read twice.
_ESCAPE = re.compile(
    rb"""
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
    """,
    re.VERBOSE,
)
_LETTERS = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
_QUOTES = "\\\"'"
_BACKSLASH = ord("\\")
_DROPPED = re.compile(rb"[\\\"']")
#: The beginning of a text that a preceding backslash or percent sign makes an escape.
_CONTINUES_BACKSLASH = re.compile(r"[abfnrtvux]|U|[0-3][0-7]")
_CONTINUES_PERCENT = re.compile(r"[0-9a-fA-F]{2}")
#: Splits a text into pieces that no encoding changes.
_PLAIN = re.compile(r"[^A-Za-z0-9_.-]+")


class Canonical:
    """The canonical form of a content, with a mapping back to the original offsets."""

    def __init__(self, content: bytes) -> None:
        #: The offset of each piece here and in the original content, and the end of a
        #: decoded piece in the original; -1 for a piece that is equal in both.
        self._here, self._there, self._end = array("q"), array("q"), array("q")
        self._pieces: list[bytes] = []
        self._length = 0
        at = 0
        for found in _ESCAPE.finditer(content):
            start, end = found.span()
            if start > at:
                self._add(content[at:start], at, -1)
            if decoded := _decoded(*_kind_of(found)):
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


def needles(text: str) -> Iterator[bytes]:
    """Yield the byte strings to search for to find a text in a canonical form."""
    for spelled in (text, *_behind(text)):
        yield from _canonical(spelled.encode(errors="replace"))
        if any("\x80" <= character <= "\xff" for character in spelled):
            # Some programs escape these characters by their Latin-1 code.
            yield from _canonical(_with_latin_1(spelled))


class Edges:
    """The quotes and backslashes at both ends of a text.

    The canonical form has none, so they are searched for around a match.
    """

    def __init__(self, text: str) -> None:
        before = text[: len(text) - len(text.lstrip(_QUOTES))]
        behind = text[len(text.rstrip(_QUOTES)) :]
        self._quotes_before = before.replace("\\", "").encode()
        self._quotes_behind = behind.replace("\\", "").encode()
        self._last = len(behind) - len(behind.rstrip("\\"))

    def around(self, content: bytes, start: int, end: int) -> tuple[int, int]:
        """Return the span of the whole text, given the span of its inner part.

        Each of its quotes may be preceded by backslashes.
        """
        for quote in reversed(self._quotes_before):
            at = _before_backslashes(content, start)
            if at and content[at - 1] == quote:
                start = _before_backslashes(content, at - 1)
        for quote in self._quotes_behind:
            at = _behind_backslashes(content, end)
            if content[at : at + 1] == bytes([quote]):
                end = at + 1
        if self._last:
            at = _behind_backslashes(content, end)
            quoted = content[at : at + 1] in (b'"', b"'")
            end += _own_backslashes(at - end, self._last, quoted=quoted)
        return start, end


def _before_backslashes(content: bytes, at: int) -> int:
    while at and content[at - 1] == _BACKSLASH:
        at -= 1
    return at


def _behind_backslashes(content: bytes, at: int) -> int:
    while at < len(content) and content[at] == _BACKSLASH:
        at += 1
    return at


def _own_backslashes(run: int, last: int, *, quoted: bool) -> int:
    """Return the number of backslashes in a run that belong to a text.

    Each level of JSON doubles them. The run also contains the backslashes that escape
    a quote after it, which ends a text of the level below.

    Args:
        run: The length of the run.
        last: The number of backslashes that the text ends with.
        quoted: Whether a quote follows the run.

    Returns:
        0 if no level matches.
    """
    for level in range(_LEVELS + 1):
        own = last << level
        of_quote = (1 << level >> 1) - 1 if quoted and level else 0
        if run == own + of_quote:
            return own
    return 0


def encoded(text: str) -> Iterator[str]:
    """Yield a text in base64, at each alignment, and in hexadecimal."""
    raw = text.encode(errors="replace")
    forms = {*_base64(raw), raw.hex(), raw.hex().upper()}
    yield from (form for form in forms if len(form) >= _MIN_ENCODED)


def literals(text: str) -> Iterator[bytes]:
    """Yield the byte strings to search for in the content itself: the text unchanged.

    If its canonical form is too short, yield the text encoded as JSON too.
    """
    yield text.encode(errors="replace")
    if not list(_canonical(text.encode(errors="replace"))):
        for _ in range(_LEVELS):
            text = json.dumps(text, ensure_ascii=False)[1:-1]
            yield text.encode(errors="replace")


def anchor(text: str) -> str:
    """Return the longest piece of a text that no encoding changes."""
    return max(_PLAIN.split(text), key=len)


def longest(text: str) -> int:
    """Return the maximum length of a text in bytes, encoded as JSON up to 4 times."""
    return sum(1 if c == anchor(c) else 16 if c in '\\"/' else 32 for c in text)


def _behind(text: str) -> Iterator[str]:
    """Yield the text after each character that would make its beginning an escape."""
    if _CONTINUES_BACKSLASH.match(text):
        yield f"\\{text}"
    if _CONTINUES_PERCENT.match(text):
        yield f"%{text}"


def _canonical(raw: bytes) -> Iterator[bytes]:
    canonical = Canonical(raw).content
    if len(canonical) >= _MIN_CANONICAL:
        yield canonical


def _with_latin_1(text: str) -> bytes:
    return b"".join(
        bytes([ord(c)]) if "\x80" <= c <= "\xff" else c.encode(errors="replace")
        for c in text
    )


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


def _base64(raw: bytes) -> set[str]:
    """Return the base64 of the text alone, and of the text inside a longer one.

    Three bytes are four characters, so there are three alignments. Of each, only the
    characters are returned that don't depend on the bytes around the text.
    """
    inside = (
        base64.b64encode(b"\0" * before + raw)[
            -(-8 * before // 6) : 8 * (before + len(raw)) // 6
        ].decode()
        for before in range(3)
    )
    plain = {base64.b64encode(raw).decode().rstrip("="), *inside}
    for_urls = str.maketrans("+/", "-_")
    return plain | {form.translate(for_urls) for form in plain}
