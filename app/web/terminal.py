"""Convert terminal output for a page: colours become classes, the rest stays text.

The output of a run is untrusted. Colours are kept; sequences that move the cursor, set
a title or ring the bell are dropped; other control characters and those that reorder
text are replaced by visible signs, so that the text is readable and can be copied.
"""

import re
from dataclasses import dataclass

from rich.color import ColorSystem
from rich.style import Style
from rich.text import Text

from app.domain.escapes import COLOUR, ESCAPE, NOT_COLOUR, STRINGS

#: The maximum number of characters of a line that a page shows.
SHOWN_LINE = 4000

#: A text with more escape sequences is shown without colours: it isn't meant for
#: people, and a page of such texts would take long to render.
MAX_ESCAPES = 500
#: C0 and C1 controls except tab and newline, and Unicode's bidirectional controls.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style; `classes` go into a class attribute.

    `hit` marks a match of a search.
    """

    text: str
    classes: str = ""
    hit: bool = False


def spans(text: str) -> list[Span]:
    """Split the text into pieces, each with the classes of its colours."""
    text = text.replace("\r\n", "\n")
    if ESCAPE not in text:
        return [Span(_visible(text))] if text else []
    text = NOT_COLOUR.sub("", STRINGS.sub("", text))
    if text.count(ESCAPE) > MAX_ESCAPES:
        return [Span(_visible(COLOUR.sub("", text)))]
    # Parse each line separately: a colour without an end doesn't affect other lines.
    found: list[Span] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            found.append(Span("\n"))
        found.extend(_line(line))
    return found


def marked(found: list[Span], wanted: str) -> list[Span]:
    """Split the spans at the matches of `wanted` in their whole text."""
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
    """Return the text without colours."""
    # Nearly every text of a page is; such a text has no sequence and no control.
    if text.isprintable():
        return text
    return "".join(span.text for span in spans(text))


def _line(line: str) -> list[Span]:
    # Rich would treat the text before a carriage return as overwritten.
    rich = Text.from_ansi(line.replace("\r", _picture("\r")))
    found = []
    position = 0
    # Rich appends decoded text piece by piece, so its spans never overlap.
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
    """Return a visible sign for an invisible character: ␀ for NUL, or its code."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return f"\\u{code:04x}"
