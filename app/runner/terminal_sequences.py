r"""Recognise the escape sequences of terminals in text: colours, cursor moves, links.

Programs write them anywhere, so they can interrupt a secret: `grep --color` marks what
it found. ESC is the byte itself, or `\u001b` or `\x1b` as in JSON and Python, with any
number of backslashes. Every pattern takes linear time.
"""

import re

# What follows ESC: a control sequence (colours), a character set, or a single letter.
_SHORT = (
    rb"\[ [0-9:;<=>?]* [ !$*]? [@-Z^_`a-z{|}~] | [()*+][0-9A-Za-z] | [=>78DEHMNOZc]"
)
# A title or a link. It ends with BEL, or with ESC and a backslash.
_LONG = rb"[\]P^_X] [^\x07\x1b\\\n]*"

#: The source of a verbose pattern of one sequence, with the group `sequence`.
SEQUENCE = rb"""
    (?P<sequence>
        \x1b (?: %(short)b | %(long)b (?: \x07 | \x1b\\ ) )
      | (?P<slashes> \\+ ) (?: u001[bB] | x1[bB] )
        (?: %(short)b
          | %(long)b (?: (?P=slashes) (?: u0007 | x07 | a )
                       | (?P=slashes) (?: u001[bB] | x1[bB] ) (?P=slashes){2} ) )
    )
""" % {b"short": _SHORT, b"long": _LONG}
# Both begin with one fixed character, which is found quickly.
_RAW = re.compile(
    rb"\x1b (?: %b | %b (?: \x07 | \x1b\\ ) )" % (_SHORT, _LONG), re.VERBOSE
)
_ESCAPED = re.compile(
    rb"\\ (?: u001[bB] | x1[bB] ) (?: %b | %b \\+ (?: u0007 | x07 | a | (?: u001[bB]"
    rb"| x1[bB] ) \\+ ) )" % (_SHORT, _LONG),
    re.VERBOSE,
)  # fmt: skip


def split(content: bytes) -> list[bytes]:
    """Split a text at sequences; backslashes that belong to them may be left."""
    pieces = _RAW.split(content) if b"\x1b" in content else [content]
    if b"\\" not in content:
        return pieces
    return [part for piece in pieces for part in _ESCAPED.split(piece)]
