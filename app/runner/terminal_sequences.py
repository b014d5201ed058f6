r"""Recognise the escape sequences of terminals in text: colours, cursor moves, links.

Programs write them anywhere, so they can interrupt a secret: `grep --color` marks what
it found. ESC is the byte itself, or `\u001b` or `\x1b` as in JSON and Python, with any
number of backslashes. Every pattern takes linear time.
"""

import re
from collections.abc import Callable

# What follows ESC: a control sequence (colours), a character set, or a single letter.
_SHORT = (
    rb"\[ [0-9:;<=>?]* [ !$*]? [@-Z^_`a-z{|}~] | [()*+][0-9A-Za-z] | [=>78DEHMNOZc]"
)
# A title or a link. It ends with BEL, or with ESC and a backslash.
_LONG = rb"[\]P^_X] [^\x07\x1b\\\n]*"

#: The source of a verbose pattern of one sequence; `span` trims what it matches.
SEQUENCE = rb"""
    (?P<sequence>
        \x1b (?: %(short)b | %(long)b (?: \x07 | \x1b\\ ) )
      | (?P<slashes> \\+ ) (?: u001[bB] | x1[bB] )
        (?: %(short)b
          | %(long)b \\+ (?: u0007 | x07 | a | (?: u001[bB] | x1[bB] )
                                                (?P<end> \\+ ) ) )
    )
""" % {b"short": _SHORT, b"long": _LONG}
_RAW = rb"(?: %b | %b (?: \x07 | \x1b\\ ) )" % (_SHORT, _LONG)
_ESCAPED = (
    rb"(?: u001[bB] | x1[bB] )"
    rb"(?: %b | %b \\+ (?: u0007 | x07 | a | u001[bB] | x1[bB] ) )" % (_SHORT, _LONG)
)
# Every pattern begins with one fixed character, which is found quickly.
_SPLIT_RAW = re.compile(rb"\x1b %b" % _RAW, re.VERBOSE)
_SPLIT_ESCAPED = re.compile(rb"\\ %b" % _ESCAPED, re.VERBOSE)


def span(found: re.Match[bytes]) -> tuple[int, int]:
    """Return the span of a sequence that was found by `SEQUENCE`.

    JSON in JSON doubles backslashes. So of a run of them, as many belong to ESC as the
    largest power of 2 that divides its length; the others are text before the sequence.
    A backslash at the end of a sequence is written as twice as many.
    """
    start, end = found.span()
    if found["slashes"]:
        run = len(found["slashes"])
        own = run & -run
        start += run - own
        if found["end"]:
            end = found.start("end") + min(len(found["end"]), 2 * own)
    return start, end


def split(content: bytes) -> list[bytes]:
    """Split a text at sequences; backslashes beside them are removed."""
    pieces = _SPLIT_RAW.split(content) if b"\x1b" in content else [content]
    if b"\\" not in content:
        return pieces
    return [
        part.strip(b"\\") for piece in pieces for part in _SPLIT_ESCAPED.split(piece)
    ]


def between(characters: bytes) -> Callable[[bytes], bool]:
    """Return a function that decides whether a text has a sequence between characters.

    `characters` is a set of a regular expression, without backslash. Backslashes may
    be beside the sequence.
    """
    behind = rb"(?= [\x1b\\%b] )" % characters
    raw = re.compile(
        rb"\x1b (?<= [\\%b] \x1b ) %b %b" % (characters, _RAW, behind), re.VERBOSE
    )
    escaped = re.compile(
        rb"\\ (?<= [%b] \\ ) \\* %b %b" % (characters, _ESCAPED, behind), re.VERBOSE
    )

    def has(content: bytes) -> bool:
        return (b"\x1b" in content and raw.search(content) is not None) or (
            b"\\" in content and escaped.search(content) is not None
        )

    return has
