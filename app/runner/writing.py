"""Writing: how the same text looks in JSON, in quotes, in a URL, in base64.

JSON in JSON has twice the backslashes: what Ansible displays of a variable that holds
JSON is that already. Up to four levels are told.
"""

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

#: A shorter piece of base64 could be a part of any other.
_MIN_BASE64 = 8
#: A longer text is a file, whose lines are told one by one: it is only told as it is
#: and as JSON writes it, for else the pattern would take seconds to be made.
_MAX_LENGTH = 4096
_FOR_URLS = str.maketrans("+/", "-_")
_CONTROLS = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}
#: An apostrophe in YAML and in a shell is written twice, or between other quotes.
_APOSTROPHE = r"""(?:'\\''|'"'"'|'{1,2}|\\{1,8}u0027)"""


def pattern(text: str) -> str:
    """A regular expression for every way in which JSON and quotes write a text."""
    if len(text) > _MAX_LENGTH:
        ascii_only, other = json.dumps(text), json.dumps(text, ensure_ascii=False)
        return "|".join(map(re.escape, {text, ascii_only[1:-1], other[1:-1]}))
    return "".join(map(_pattern_of, text))


def anchor(text: str) -> str:
    """The longest piece that is the same in each of these ways."""
    pieces = re.split(r"[^\w$%()*+,.:;=?@\[\]^`{|}~ !#-]+|[^\x20-\x7e]+", text)
    return max(pieces, key=len)


def longest(text: str) -> int:
    """The most bytes that one of these ways takes."""
    return sum(1 if c == anchor(c) else 16 if c in '\\"/' else 32 for c in text)


def encoded(text: str) -> Iterator[str]:
    """A text as URLs and forms write it, and wherever it may stand in base64."""
    if len(text) > _MAX_LENGTH:
        return
    raw = text.encode(errors="replace")
    yield from {quote(raw, safe=""), quote(raw), quote_plus(raw)} - {text}
    yield from (form for form in _base64(raw) if len(form) >= _MIN_BASE64)


def _pattern_of(character: str) -> str:
    if character == "\\":
        return r"\\{1,16}"
    if character in '"/':
        return rf"\\{{0,15}}{character}"
    if character == "'":
        return _APOSTROPHE
    if character in _CONTROLS:
        letter = _CONTROLS[character]
        return (
            rf"(?:{re.escape(character)}|\\{{1,8}}(?:{letter}|{_by_number(character)}))"
        )
    if character == anchor(character):
        return re.escape(character)
    return rf"(?:{re.escape(character)}|\\{{1,8}}{_by_number(character)})"


def _by_number(character: str) -> str:
    """What follows the backslash where a character is written by its number."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    numbers = [units[at : at + 4] for at in range(0, len(units), 4)]
    by_number = r"\\{1,8}".join(f"u(?i:{number})" for number in numbers)
    short = f"|x(?i:{ord(character):02x})" if ord(character) < 0x100 else ""
    return f"(?:{by_number}{short})"


def _base64(raw: bytes) -> set[str]:
    """All of the text's own base64, and what is the same whatever stands around it.

    Three bytes are four characters, so there are three ways to write the same text.
    """
    inside = (
        base64.b64encode(b"\0" * before + raw)[
            -(-8 * before // 6) : 8 * (before + len(raw)) // 6
        ].decode()
        for before in range(3)
    )
    plain = {base64.b64encode(raw).decode().rstrip("="), *inside}
    return plain | {form.translate(_FOR_URLS) for form in plain}
