"""Encode the data of an event as JSON of limited size, whatever a module returned."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from typing import Any

#: Bytes of JSON. Beyond it, values are cut, and a note marks each cut.
MAX_DATA = 700_000
_DEEPEST = 30


def encode(data: dict[str, Any]) -> str:
    """Encode an event's data as JSON of at most MAX_DATA bytes."""
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        encoded = JSON.encode(data)
        if _fits(encoded):
            return encoded
    for longest in (100_000, 10_000, 1_000, 100, 10):
        encoded = JSON.encode(
            {key: _shorten(item, longest) for key, item in data.items()}
        )
        if _fits(encoded):
            return encoded
    small = {key: item for key, item in data.items() if isinstance(item, str | None)}
    return JSON.encode({key: item and _cut(item, 1_000) for key, item in small.items()})


def _fits(encoded: str) -> bool:
    # A character has at most four bytes: most events needn't be encoded to compare.
    return (
        len(encoded) * 4 <= MAX_DATA
        or len(encoded.encode(errors="replace")) <= MAX_DATA
    )


def _shorten(value: Any, longest: int, depth: int = 0) -> Any:
    """Return a value that JSON can represent, cut where it is too long or too deep."""
    if depth > _DEEPEST:
        return "… [cut: nested too deep]"
    if isinstance(value, str):
        return _cut(value, longest)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        # JSON can't represent infinity or NaN.
        return value if abs(value) < float("inf") else str(value)
    most = max(longest // 10, 3)
    if isinstance(value, dict):
        kept = {
            _cut(str(key), longest): _shorten(item, longest, depth + 1)
            for key, item in list(value.items())[:most]
        }
        rest = len(value) - most
        return {**kept, "…": f"[cut: {rest} more entries]"} if rest > 0 else kept
    if isinstance(value, list | tuple):
        items = [_shorten(item, longest, depth + 1) for item in value[:most]]
        rest = len(value) - most
        return [*items, f"… [cut: {rest} more items]"] if rest > 0 else items
    return _shorten(_plain(value), longest, depth + 1)


def _cut(text: str, longest: int) -> str:
    rest = len(text) - longest
    return f"{text[:longest]}… [cut: {rest} more characters]" if rest > 0 else text


def _plain(value: Any) -> Any:
    """Return a replacement for a value that JSON can't represent."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if ciphertext := getattr(value, "_ciphertext", None):
        return {"__ansible_vault": str(ciphertext)}
    return str(value)


#: Made once: json.dumps would make an encoder for each event.
JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain)
