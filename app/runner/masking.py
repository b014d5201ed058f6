"""Masking: known secret values never reach what is kept or shown.

The runner masks what it writes into the journal; the follower, which records the
journals of scripts too, masks what it reads.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, AnyStr

from .writing import anchor, encoded, longest, pattern

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
    """Replaces secret values in text and in JSON.

    They are found as they are, within JSON however deep, as URLs write them, and in
    base64.
    """

    def __init__(self, secrets: Iterable[Any]) -> None:
        self._texts = {text for secret in secrets for text in _texts(secret)}
        self._anchors = {anchor(text).encode() for text in self._texts}
        #: Length in bytes of the longest way to write a secret.
        self.longest = max(map(longest, self._texts), default=0)

    def finds(self, content: bytes) -> bool:
        """Say whether a secret may be somewhere in this content; False is sure."""
        # A search for each is many times faster than one pattern for all.
        return any(anchor in content for anchor in self._anchors)

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
        for start, end in self.spans(content[: at + self.longest]):
            if start < at < end:
                return start or at
        return at

    def spans(self, content: bytes) -> Iterator[tuple[int, int]]:
        """Where secrets stand; those that overlap are one span."""
        if self.finds(content):
            yield from _spans(self._in_bytes, content)

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        # Made when a secret was found: for many of them it takes a while.
        return re.compile(self._either)

    @cached_property
    def _in_bytes(self) -> re.Pattern[bytes]:
        return re.compile(self._either.encode(errors="replace"))

    @property
    def _either(self) -> str:
        # The longest first: one secret may be the beginning of another.
        texts = sorted(self._texts, key=len, reverse=True)
        # It takes up no character: of secrets that overlap, each one is found.
        return f"(?=({'|'.join(map(pattern, texts))}))"

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
    """What of a JSON value is masked: texts, their lines, other ways to write them."""
    match value:
        case str():
            pieces = {value, value.strip(), *map(str.strip, value.splitlines())}
            yield from (piece for piece in pieces if len(piece) >= MIN_LENGTH)
            if len(value) >= MIN_LENGTH:
                yield from encoded(value)
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
