"""Translate the regular expressions of ECMA-262 to RE2's syntax.

JSON Schema's patterns are those of ECMA-262 with the flag `u`. RE2 matches in linear
time, so a pattern can't block the process that evaluates it. Lookaround and
backreferences can't be matched in linear time, so they are rejected by name.
"""

import re
from collections.abc import Iterable

#: The largest number of repetitions that RE2 accepts.
MAX_REPEAT = 1000

_LAST = 0x10FFFF
#: Sets of code points, as pairs of the first and the last one.
_DIGIT = ((0x30, 0x39),)
_WORD = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
#: WhiteSpace and LineTerminator of ECMA-262.
_SPACE = (
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A),
    (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
)  # fmt: skip
_LINE_ENDS = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_SETS = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS = {"f": 0x0C, "n": 0x0A, "r": 0x0D, "t": 0x09, "v": 0x0B}
#: Unicode properties that RE2 doesn't support under these names.
_PROPERTIES = {
    "ASCII": r"\x{0}-\x{7f}",
    "ASCII_Hex_Digit": "0-9A-Fa-f",
    "Any": rf"\x{{0}}-\x{{{_LAST:x}}}",
    "Cased_Letter": r"\p{Lu}\p{Ll}\p{Lt}",
    "LC": r"\p{Lu}\p{Ll}\p{Lt}",
}
#: Long names of general categories; RE2 supports only the short ones.
_CATEGORIES = {
    "Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll",
    "Titlecase_Letter": "Lt", "Modifier_Letter": "Lm", "Other_Letter": "Lo",
    "Mark": "M", "Combining_Mark": "M", "Nonspacing_Mark": "Mn",
    "Spacing_Mark": "Mc", "Enclosing_Mark": "Me",
    "Number": "N", "Decimal_Number": "Nd", "digit": "Nd", "Letter_Number": "Nl",
    "Other_Number": "No",
    "Punctuation": "P", "punct": "P", "Connector_Punctuation": "Pc",
    "Dash_Punctuation": "Pd", "Open_Punctuation": "Ps", "Close_Punctuation": "Pe",
    "Initial_Punctuation": "Pi", "Final_Punctuation": "Pf", "Other_Punctuation": "Po",
    "Symbol": "S", "Math_Symbol": "Sm", "Currency_Symbol": "Sc",
    "Modifier_Symbol": "Sk", "Other_Symbol": "So",
    "Separator": "Z", "Space_Separator": "Zs", "Line_Separator": "Zl",
    "Paragraph_Separator": "Zp",
    "Control": "Cc", "cntrl": "Cc", "Format": "Cf", "Private_Use": "Co",
}  # fmt: skip
_SHORT = frozenset(_CATEGORIES.values())

_TOKEN = re.compile(
    r"""
      (?P<group> \((?!\?) | \(\?: | \(\?<(?P<name>[^\W\d][\w$]*)> )
    | (?P<lookbehind> \(\?<[=!] )
    | (?P<lookahead> \(\?[=!] )
    | (?P<other_group> \(\? )
    | (?P<close> \) )
    | (?P<alternative> \| )
    | (?P<anchor> [$^] | \\[bB] )
    | (?P<repeat> (?: [*+?] | \{(?P<least>[0-9]+)(?:,(?P<most>[0-9]*))?\} ) \?? )
    | (?P<any> \. )
    | (?P<set> \[\^? )
    | (?P<escape> \\ )
    | (?P<character> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"""\\(?:
      (?P<set> [dDwWsS] )
    | (?P<property> [pP] ) \{ (?P<property_name> [^}]* ) \}
    | u(?P<high> [dD][89abAB][0-9A-Fa-f]{2} )\\u(?P<low> [dD][c-fC-F][0-9A-Fa-f]{2} )
    | (?: u\{(?P<braced> [0-9A-Fa-f]{1,8} )\} | u(?P<unit> [0-9A-Fa-f]{4} )
        | x(?P<byte> [0-9A-Fa-f]{2} ) )
    | c(?P<control> [A-Za-z] )
    | (?P<zero> 0(?![0-9]) )
    | (?P<named> [fnrtv] )
    | (?P<reference> [1-9][0-9]* | k<[^>]*> )
    | (?P<itself> [^A-Za-z0-9] )
    )""",
    re.VERBOSE | re.DOTALL,
)
#: Tokens that match a character and can be repeated.
_ATOMS = frozenset({"any", "set", "escape", "character"})
_ANCHORS = {"^": r"\A", "$": r"\z", r"\b": r"\b", r"\B": r"\B"}


class Unsupported(ValueError):
    """The pattern isn't valid ECMA-262, or RE2 can't match it; the message says why."""


def translate(pattern: str) -> str:
    """Return the RE2 pattern that matches what `pattern` matches.

    Groups don't capture. RE2 detects the remaining errors, such as a missing
    parenthesis. Raises Unsupported.
    """
    written: list[str] = []
    names: set[str] = set()
    at, repeatable = 0, False
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        assert token is not None, "the last alternative takes any character"
        kind = token.lastgroup or ""
        if kind == "repeat":
            part, at = _repeat(token, repeatable=repeatable), token.end()
        elif kind in _ATOMS:
            part, at = _atom(kind, token)
        else:
            part, at = _structure(kind, token, names), token.end()
        written.append(part)
        repeatable = kind in _ATOMS or kind == "close"
    return "".join(written)


def _structure(kind: str, token: re.Match[str], names: set[str]) -> str:
    """Translate a token between atoms; `names` are the group names so far."""
    match kind:
        case "group":
            if token["name"]:
                _require_new(token["name"], names)
            return "(?:"
        case "close" | "alternative":
            return token[0]
        case "anchor":
            return _ANCHORS[token[0]]
        case "other_group":
            opening = token.string[token.start() :][:4]
            raise Unsupported(f"{opening} does not open a group of ECMA-262")
        case _:
            raise Unsupported(f"{kind} {token[0]}…) can't be matched in linear time")


def _atom(kind: str, token: re.Match[str]) -> tuple[str, int]:
    """Translate a token that can be repeated; return it and the position after it."""
    match kind:
        case "any":
            return f"[^{_ranges(_LINE_ENDS)}]", token.end()
        case "set":
            negated = token[0].endswith("^")
            return _set(token.string, token.end(), negated=negated)
        case "escape":
            meaning, at = _escape(token.string, token.start(), in_set=False)
            content = _point(meaning) if isinstance(meaning, int) else f"[{meaning}]"
            return content, at
        case _:
            return _point(ord(token[0])), token.end()


def _require_new(name: str, names: set[str]) -> None:
    if name in names:
        raise Unsupported(f"the group name {name} is used twice")
    names.add(name)


def _repeat(token: re.Match[str], *, repeatable: bool) -> str:
    if not repeatable:
        raise Unsupported(f"there is nothing that {token[0]} could repeat")
    least, most = token["least"], token["most"]
    if least and most and int(least) > int(most):
        raise Unsupported(f"the numbers of {token[0]} are out of order")
    if any(number and int(number) > MAX_REPEAT for number in (least, most)):
        raise Unsupported(
            f"{token[0]} repeats more than {MAX_REPEAT} times; use minLength and "
            "maxLength for the length of a text"
        )
    return token[0]


def _set(pattern: str, at: int, *, negated: bool) -> tuple[str, int]:
    """Translate a set from after `[` or `[^`; return it and the position after it."""
    content = ""
    while at < len(pattern) and pattern[at] != "]":
        first, at = _member(pattern, at)
        if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in {"", "]"}:
            last, behind = _member(pattern, at + 1)
            if isinstance(first, int) and isinstance(last, int):
                if first > last:
                    raise Unsupported(f"a range is out of order in [{content}…]")
                content, at = content + _ranges([(first, last)]), behind
                continue
        content += _point(first) if isinstance(first, int) else first
    if at >= len(pattern):
        raise Unsupported("a set has no closing ]")
    if not content:
        # RE2 has no empty set, so use the negation of the set of all characters.
        content, negated = _ranges([(0, _LAST)]), not negated
    return f"[{'^' if negated else ''}{content}]", at + 1


def _member(pattern: str, at: int) -> tuple[int | str, int]:
    if pattern[at] == "\\":
        return _escape(pattern, at, in_set=True)
    return ord(pattern[at]), at + 1


def _escape(pattern: str, at: int, *, in_set: bool) -> tuple[int | str, int]:
    """Translate an escape to a code point or a set's content; return the end too."""
    if in_set and pattern.startswith(r"\b", at):
        return 0x08, at + 2
    found = _ESCAPE.match(pattern, at)
    if found is None:
        hint = {"Z": "; use $", "z": "; use $", "A": "; use ^"}
        escaped = pattern[at + 1 : at + 2]
        raise Unsupported(
            f"\\{escaped} is not an escape of ECMA-262{hint.get(escaped, '')}"
        )
    return _meaning(found), found.end()


def _meaning(found: re.Match[str]) -> int | str:
    if name := found["set"]:
        ranges = _SETS[name.lower()]
        return _ranges(ranges if name.islower() else _others(ranges))
    if found["property"]:
        return _property(found["property"], found["property_name"])
    if found["reference"]:
        raise Unsupported(
            f"the backreference {found[0]} can't be matched in linear time"
        )
    if found["high"]:
        high, low = int(found["high"], 16), int(found["low"], 16)
        return 0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF)
    if digits := found["braced"] or found["unit"] or found["byte"]:
        return _valid(int(digits, 16), found[0])
    if found["control"]:
        return ord(found["control"]) % 32
    if found["named"]:
        return _CONTROLS[found["named"]]
    return ord(found["itself"]) if found["itself"] else 0


def _valid(point: int, written: str) -> int:
    if point > _LAST or 0xD800 <= point <= 0xDFFF:
        raise Unsupported(f"{written} is not a character")
    return point


def _property(letter: str, name: str) -> str:
    r"""Return the content of a set for `\p{name}`, or `\P{name}` with the letter P."""
    key, _, value = name.rpartition("=")
    if not key and value in _PROPERTIES:
        content = _PROPERTIES[value]
        if letter == "p":
            return content
    elif key in {"Script", "sc"}:
        return f"\\{letter}{{{value}}}"
    elif key in {"", "General_Category", "gc"}:
        category = _CATEGORIES.get(value, value)
        if category in _SHORT:
            return f"\\{letter}{{{category}}}"
    raise Unsupported(f"\\{letter}{{{name}}} is not supported")


def _others(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the complement of sorted ranges of code points."""
    others, begin = [], 0
    for first, last in ranges:
        if first > begin:
            others.append((begin, first - 1))
        begin = last + 1
    return [*others, (begin, _LAST)]


def _ranges(ranges: Iterable[tuple[int, int]]) -> str:
    return "".join(f"{_point(first)}-{_point(last)}" for first, last in ranges)


def _point(point: int) -> str:
    character = chr(point)
    return (
        character
        if character.isascii() and character.isalnum()
        else rf"\x{{{point:x}}}"
    )
