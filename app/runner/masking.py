"""Masking: known secret values never reach what is kept or shown.

The runner masks what it writes into the journal; the follower, which records the
journals of scripts too, masks what it reads.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, AnyStr

MASK = "********"
#: Shorter values would mask half of every text and hide nothing.
MIN_LENGTH = 4
#: These tell what a line is, tie events together or time them; a short secret can be
#: a part of them.
_STRUCTURE = frozenset(
    {"uuid", "play_uuid", "playbook_uuid", "task_uuid", "parent_uuid", "runner_ident",
     "created", "start", "end", "duration", "counter", "start_line", "end_line", "pid",
     "event", "state", "status"}
)  # fmt: skip


class Masker:
    """Replaces secret values in text and in JSON, plain and as JSON writes them."""

    def __init__(self, secrets: Iterable[Any]) -> None:
        texts = {text for secret in secrets for text in _texts(secret)}
        self._texts = {form for text in texts for form in _forms(text)}
        # Shown in an event, JSON that a module printed is JSON within JSON.
        twice = self._texts | {form for text in self._texts for form in _forms(text)}
        # The longest first: one secret may be the beginning of another.
        texts_found = sorted(self._texts, key=len, reverse=True)
        found = [f.encode(errors="replace") for f in sorted(twice, key=len)][::-1]
        either = b"|".join(map(re.escape, found))
        self._any = re.compile(either)
        # These take up no character: of secrets that overlap, each one is found.
        self._in_bytes = re.compile(b"(?=(" + either + b"))")
        self._in_text = re.compile(f"(?=({'|'.join(map(re.escape, texts_found))}))")
        #: Length in bytes of the longest form of a secret.
        self.longest = max(map(len, found), default=0)

    def finds(self, content: bytes) -> bool:
        """Say whether a secret is somewhere in this content."""
        return bool(self.longest) and self._any.search(content) is not None

    def text(self, content: bytes) -> bytes:
        """Return text with every secret masked."""
        if not self.finds(content):
            return content
        return _masked(self._in_bytes, content, MASK.encode())

    def line(self, line: bytes) -> bytes:
        """Return a line of a journal with every secret masked.

        An object stays one: for a secret like `1234` or `task` is also a piece of the
        JSON around it.
        """
        if not self.finds(line):
            return line
        try:
            found = json.loads(line) if line.startswith(b"{") else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            return self.text(line)
        masked = json.dumps(self.values(found), ensure_ascii=False)
        return masked.encode(errors="replace")

    def values(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return an object with every secret masked in its values, one by one."""
        return {
            key: self.values(value)
            if key == "event_data" and isinstance(value, dict)
            else value
            if key in _STRUCTURE
            else self._value(value)
            for key, value in content.items()
        }

    def safe_cut(self, content: bytes, at: int) -> int:
        """The last place at or before `at` where a cut goes through no secret.

        Where secrets overlap from the very beginning on, it is `at` itself: a cut at 0
        would leave everything to be cut again.
        """
        if self.longest:
            for start, end in _spans(self._in_bytes, content[: at + self.longest]):
                if start < at < end:
                    return start or at
        return at

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return _masked(self._in_text, value, MASK) if self.longest else value
            case dict():
                return {
                    self._value(key): self._value(item) for key, item in value.items()
                }
            case list():
                return [self._value(item) for item in value]
            case bool() | None:
                return value
            case _:
                return MASK if str(value) in self._texts else value


def secrets(properties: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the values that their schema calls `writeOnly`, nested ones too."""
    for name, value in values.items():
        schema = properties.get(name)
        if not isinstance(schema, dict):
            continue
        if schema.get("writeOnly"):
            yield value
        elif isinstance(value, dict) and isinstance(schema.get("properties"), dict):
            yield from secrets(schema["properties"], value)
        elif isinstance(value, list):
            for item in value:
                yield from secrets({"item": schema.get("items")}, {"item": item})


def _spans(pattern: re.Pattern[AnyStr], content: AnyStr) -> Iterator[tuple[int, int]]:
    """Where secrets stand; those that overlap are one span."""
    start = end = 0
    for found in pattern.finditer(content):
        if found.start() >= end:
            if end:
                yield start, end
            start = found.start()
        end = max(end, found.end(1))
    if end:
        yield start, end


def _masked(pattern: re.Pattern[AnyStr], content: AnyStr, mask: AnyStr) -> AnyStr:
    pieces: list[AnyStr] = []
    at = 0
    for start, end in _spans(pattern, content):
        pieces += [content[at:start], mask]
        at = end
    pieces.append(content[at:])
    return mask[:0].join(pieces)


def _texts(value: Any) -> Iterator[str]:
    """The texts in a JSON value that can be masked, and the lines of long ones."""
    match value:
        case str():
            pieces = {value, value.strip(), *map(str.strip, value.splitlines())}
            yield from (piece for piece in pieces if len(piece) >= MIN_LENGTH)
        case dict():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case bool() | None:
            return
        case _:
            yield from _texts(str(value))


def _forms(text: str) -> set[str]:
    """A text as it is and as JSON writes it, with and without ASCII only."""
    ascii_only, unicode = json.dumps(text), json.dumps(text, ensure_ascii=False)
    return {text, ascii_only[1:-1], unicode[1:-1]}
