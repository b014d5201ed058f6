r"""Find a text in any of the encodings in which programs write it.

Most encodings are undone in the searched text (`canonical.py`); base64 and hexadecimal
are searched for.

Every function takes time in proportion to the length of its input.
"""

import base64
import json
import re
from collections.abc import Iterator

from .canonical import CanonicalForm

#: A shorter piece of base64, or of a canonical form, occurs in any text by chance.
_MIN_ENCODED = 8
_MIN_CANONICAL = 4
#: How often a text is encoded as JSON if its canonical form is too short.
_LEVELS = 4
#: Bytes of terminal sequences for each character, on average.
_SEQUENCE = 12

_QUOTES = "\\\"'"
_BACKSLASH = ord("\\")
#: The beginning of a text that a preceding backslash or percent sign makes an escape.
_CONTINUES_BACKSLASH = re.compile(r"[abfnrtvux]|U|[0-3][0-7]")
_CONTINUES_PERCENT = re.compile(r"[0-9a-fA-F]{2}")
#: The characters that no encoding changes, as a set of a regular expression.
PLAIN = "A-Za-z0-9_.-"
_OTHERS = re.compile(f"[^{PLAIN}]+")


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
    raw = raw_bytes(text)
    forms = {*_base64(raw), raw.hex(), raw.hex().upper()}
    yield from (form for form in forms if len(form) >= _MIN_ENCODED)


def raw_bytes(text: str) -> bytes:
    """Return the bytes of a text; those that aren't UTF-8 are surrogate escapes."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="replace")


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
    return max(_OTHERS.split(text), key=len)


def longest(text: str) -> int:
    """Return the maximum length of a text in bytes, encoded as JSON up to 4 times.

    The sequences of terminals in it have some room, too.
    """
    coded = sum(1 if c == anchor(c) else 16 if c in '\\"/' else 32 for c in text)
    return coded + len(text) * _SEQUENCE


def _behind(text: str) -> Iterator[str]:
    """Yield the text after each character that would make its beginning an escape."""
    if _CONTINUES_BACKSLASH.match(text):
        yield f"\\{text}"
    if _CONTINUES_PERCENT.match(text):
        yield f"%{text}"


def _canonical(raw: bytes) -> Iterator[bytes]:
    canonical = CanonicalForm(raw).content
    if len(canonical) >= _MIN_CANONICAL:
        yield canonical


def _with_latin_1(text: str) -> bytes:
    return b"".join(
        bytes([ord(c)]) if "\x80" <= c <= "\xff" else c.encode(errors="replace")
        for c in text
    )


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
