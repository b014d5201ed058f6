"""The texts to mask of a secret value, whatever its source.

Every text and every number of at least four
characters is masked, a text of several lines line by line too; keys, booleans and null
aren't.
"""

import math
from collections.abc import Iterator
from typing import Any

from .secret_encodings import encoded

#: Shorter values are not masked: they occur in any text by chance.
MIN_LENGTH = 4
#: JSON writes integers below this without an exponent.
_MAX_WHOLE = 10**16


def texts(value: Any) -> Iterator[str]:
    """Yield the texts to mask of a JSON value: texts, their lines, their encodings."""
    match value:
        case str():
            pieces = {value, value.strip(), *map(str.strip, value.splitlines())}
            yield from (piece for piece in pieces if len(piece) >= MIN_LENGTH)
            if len(value) >= MIN_LENGTH:
                yield from encoded(value)
                yield from _other_numbers(value)
        case dict():
            for item in value.values():
                yield from texts(item)
        case list() | tuple():
            for item in value:
                yield from texts(item)
        case bool() | None:
            return
        case _:
            yield from texts(str(value))


def too_short(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a JSON value that are too short to be masked."""
    match value:
        case str():
            if 0 < len(value.strip()) < MIN_LENGTH:
                yield value.strip()
        case dict():
            for item in value.values():
                yield from too_short(item)
        case list() | tuple():
            for item in value:
                yield from too_short(item)
        case bool() | None:
            return
        case _:
            yield from too_short(str(value))


def number(text: str) -> float | None:
    """Parse a text as a number; None if it isn't one, or is too short to be masked."""
    try:
        value = float(text)
    except ValueError:
        return None
    is_long = math.isfinite(value) and len(_as_json(value)) >= MIN_LENGTH
    return value if is_long else None


def _other_numbers(text: str) -> Iterator[str]:
    """Yield a text that is a number as JSON writes it: 90125.5 for "90125.50"."""
    value = number(text)
    if value is not None:
        yield _as_json(value)


def _as_json(value: float) -> str:
    is_whole = value.is_integer() and abs(value) < _MAX_WHOLE
    return str(int(value)) if is_whole else repr(value)
