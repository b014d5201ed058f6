"""Terminal output for a page: colours become classes, everything else stays text.

What a run prints is hostile. Colours are kept; sequences that move a cursor, set a
title or ring a bell are dropped; other control characters and those that reorder text
are shown as what they are, so that the text stays readable and can be copied.
"""

import re
from dataclasses import dataclass

from rich.color import ColorSystem
from rich.style import Style
from rich.text import Text

from app.domain.escapes import COLOUR, ESCAPE, NOT_COLOUR, STRINGS

#: Characters of one line that a page shows.
SHOWN_LINE = 4000

#: A text that changes its colours more often than this is shown without any: it is no
#: output for people, and a page of such texts would take long.
MAX_ESCAPES = 500
#: C0 and C1 controls but tab and newline, and the bidirectional controls of Unicode.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style; `classes` go into a class attribute.

    `hit` says that it is what somebody looked for.
    """

    text: str
    classes: str = ""
    hit: bool = False


def spans(text: str) -> list[Span]:
    """Return the text in pieces, each with the classes of its colours."""
    text = text.replace("\r\n", "\n")
    if ESCAPE not in text:
        return [Span(_visible(text))] if text else []
    text = NOT_COLOUR.sub("", STRINGS.sub("", text))
    if text.count(ESCAPE) > MAX_ESCAPES:
        return [Span(_visible(COLOUR.sub("", text)))]
    # Each line by itself: a colour that a line forgets to end doesn't spill over.
    found: list[Span] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            found.append(Span("\n"))
        found.extend(_line(line))
    return found


def marked(found: list[Span], wanted: str) -> list[Span]:
    """Return the spans, cut where `wanted` begins and ends in their text together."""
    whole = "".join(span.text for span in found)
    hits = [hit.span() for hit in re.finditer(re.escape(wanted), whole, re.IGNORECASE)]
    if not wanted or not hits:
        return found
    edges = sorted({edge for hit in hits for edge in hit})
    inside = {begin for begin, _ in hits}
    pieces: list[Span] = []
    position, hit = 0, False
    for span in found:
        rest = span.text
        while rest:
            if edges and edges[0] == position:
                hit = edges.pop(0) in inside
            size = min(edges[0] - position, len(rest)) if edges else len(rest)
            pieces.append(Span(rest[:size], span.classes, hit))
            rest = rest[size:]
            position += size
    return pieces


def plain(text: str) -> str:
    """Return the text without any colours, for places that show none."""
    return "".join(span.text for span in spans(text))


def _line(line: str) -> list[Span]:
    # Rich would take what stands before a carriage return for overwritten.
    rich = Text.from_ansi(line.replace("\r", _picture("\r")))
    found = []
    position = 0
    # Decoded text is appended piece by piece, so its spans never overlap.
    for span in rich.spans:
        if span.start > position:
            found.append(Span(_visible(rich.plain[position : span.start])))
        classes = _classes(span.style) if isinstance(span.style, Style) else ""
        found.append(Span(_visible(rich.plain[span.start : span.end]), classes))
        position = span.end
    if position < len(rich.plain):
        found.append(Span(_visible(rich.plain[position:])))
    return found


def _classes(style: Style) -> str:
    names = [
        name
        for name, on in (
            ("bold", style.bold),
            ("dim", style.dim),
            ("italic", style.italic),
            ("underline", style.underline),
        )
        if on
    ]
    for prefix, color in (("fg", style.color), ("bg", style.bgcolor)):
        if color is not None and not color.is_default:
            number = color.downgrade(ColorSystem.STANDARD).number or 0
            bright = "bright-" if number >= 8 else ""
            names.append(f"{prefix}-{bright}{_NAMES[number % 8]}")
    return " ".join(f"ansi-{name}" for name in names)


def _visible(text: str) -> str:
    return _INVISIBLE.sub(lambda m: _picture(m[0]), text)


def _picture(character: str) -> str:
    """A visible sign for a character that is none: ␀ for NUL, its code for others."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return f"\\u{code:04x}"
