"""Masking: known secret values never reach what is kept or shown.

The runner masks what it writes into the journal; the follower, which records the
journals of scripts too, masks what it reads. Masking takes time in proportion to the
length of the content and to the number of secrets, whatever both of them are.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from .secret_encodings import (
    Canonical,
    Edges,
    anchor,
    encoded,
    literals,
    longest,
    needles,
)

MASK = "********"
#: Shorter values would mask half of every text and hide nothing.
MIN_LENGTH = 4
#: JSON writes whole numbers below this without an exponent.
_MAX_WHOLE = 10**16
#: Bytes of a repetitive text that are compared at once.
_STRIDE = 4096
#: A uuid of ansible-runner: it numbers those that repeat.
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_\d{1,9})?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(\+00:00|Z)?")
_NAME = re.compile(r"(playbook_on|runner|runner_item|runner_on)_[a-z_]{1,40}|verbose")
_NUMBER = re.compile(r"\d{1,9}")
#: What holds an event of ansible-runner together, with what is valid there. A short
#: secret can be a part of such a value by chance.
_STRUCTURE = {
    "uuid": UUID, "play_uuid": UUID, "playbook_uuid": UUID, "task_uuid": UUID,
    "parent_uuid": UUID, "runner_ident": _NUMBER, "counter": _NUMBER,
    "start_line": _NUMBER, "end_line": _NUMBER, "pid": _NUMBER, "created": _TIME,
    "start": _TIME, "end": _TIME, "event": _NAME,
}  # fmt: skip
#: The other keys of an event and of its `event_data` that FastDeploy reads.
_KEYS = frozenset(_STRUCTURE) | {
    "artifact_data", "changed", "dark", "duration", "event_data", "failures", "host",
    "hosts", "ignore_errors", "ignore_unreachable", "ignored", "ok", "play",
    "play_pattern", "playbook", "processed", "remote_addr", "res", "rescued",
    "resolved_action", "role", "skipped", "stdout", "stdout_open", "task",
    "task_action", "task_args", "task_path", "task_tags",
}  # fmt: skip


class Masker:
    """Replaces secret values in text and in JSON.

    They are found as they are, within JSON and quotes however deep, as URLs and HTML
    write them, in hexadecimal and in base64: `spelling` has the details.
    """

    def __init__(self, secrets: Iterable[Any]) -> None:
        self._texts = {text for secret in secrets for text in _texts(secret)}
        self._spellings = [_Spellings(text) for text in self._texts]
        #: Length in bytes of the longest way to write a secret.
        self.longest = max(map(longest, self._texts), default=0)

    def finds(self, content: bytes) -> bool:
        """Say whether a secret may be somewhere in this content; False is sure."""
        return any(one.anchor in content for one in self._spellings)

    def text(self, content: bytes) -> bytes:
        """Return text with every secret masked."""
        pieces: list[bytes] = []
        at = 0
        for start, end in self.spans(content):
            pieces += [content[at:start], MASK.encode()]
            at = end
        return b"".join([*pieces, content[at:]]) if pieces else content

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return an event of ansible-runner with every secret masked in its values.

        What holds the event together stays, unless it is a secret as a whole. Raises
        RecursionError if the event is nested too deeply.
        """
        data = event.get("event_data")
        masked = self._fields({**event, "event_data": None})
        masked["event_data"] = (
            self._fields(data) if isinstance(data, dict) else self.value(data)
        )
        return masked

    def value(self, value: Any) -> Any:
        """Return a JSON value with every secret masked in its texts and numbers.

        Raises RecursionError if the value is nested too deeply.
        """
        match value:
            case str():
                return self._in_text(value)
            case dict():
                masked: dict[str, Any] = {}
                for key, item in value.items():
                    masked[_unused(self._in_text(key), masked)] = self.value(item)
                return masked
            case list():
                return [self.value(item) for item in value]
            case bool() | None:
                return value
            case _:
                return MASK if self._is_secret_number(value) else value

    def safe_cut(self, content: bytes, at: int) -> int:
        """The last place at or before `at` where a cut goes through no secret.

        Where secrets overlap from the very beginning on, it is `at` itself: a cut at 0
        would leave everything to be cut again.
        """
        for start, end in self.spans(content[: at + self.longest]):
            if start < at < end:
                return start or at
        return at

    def spans(self, content: bytes) -> list[tuple[int, int]]:
        """Where secrets stand, in order; those that overlap are one span."""
        likely = [one for one in self._spellings if one.anchor in content]
        if not likely:
            return []
        canonical = Canonical(content)
        return _merged(
            span
            for one in likely
            for span in (
                *(s for n in one.literals for s in n.occurrences(content)),
                *(
                    one.edges.around(content, *canonical.original(*s))
                    for n in one.needles
                    for s in n.occurrences(canonical.content)
                ),
            )
        )

    @cached_property
    def _numbers(self) -> set[float]:
        numbers = {_number(text) for text in self._texts if len(text) >= MIN_LENGTH}
        return numbers - {None}  # type: ignore[return-value] # that was the other type

    def _fields(self, content: Mapping[str, Any]) -> dict[str, Any]:
        masked: dict[str, Any] = {}
        for key, value in content.items():
            name = key if key in _KEYS else _unused(self._in_text(key), masked)
            masked[name] = (
                value if self._is_structure(key, value) else self.value(value)
            )
        return masked

    def _is_structure(self, key: str, value: Any) -> bool:
        """Whether a value is valid in that field, and is no secret itself."""
        valid = _STRUCTURE.get(key)
        if valid is None:
            return False
        if isinstance(value, str):
            return valid.fullmatch(value) is not None and value not in self._texts
        return valid is _NUMBER and type(value) is int

    def _in_text(self, text: str) -> str:
        content = text.encode(errors="surrogatepass")
        masked = self.text(content)
        return text if masked is content else masked.decode(errors="surrogatepass")

    def _is_secret_number(self, value: float) -> bool:
        return value in self._numbers or str(value) in self._texts


class _Needle:
    """A text that is searched for."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def occurrences(self, content: bytes) -> Iterator[tuple[int, int]]:
        """Where the text stands; places that overlap are one.

        From one place the next that overlaps is compared by what it adds alone, so
        this takes linear time even if the text repeats itself.
        """
        text, length = self._text, len(self._text)
        at = content.find(text)
        while at >= 0:
            start, end = at, at + length
            while 0 <= at < end:
                end = at + length
                for added in self._added:
                    while content.startswith(added, end):
                        end += len(added)
                at = content.find(text, end - length + 1)
            yield start, end

    @cached_property
    def _added(self) -> tuple[bytes, bytes]:
        """What a place adds that overlaps with the last one: many times, and once."""
        text = self._text
        borders = [0] * len(text)
        border = 0
        for at in range(1, len(text)):
            while border and text[at] != text[border]:
                border = borders[border - 1]
            border += text[at] == text[border]
            borders[at] = border
        # By as much as what is left, a text has to be moved to lie on itself.
        once = text[border:]
        return once * (_STRIDE // len(once) + 1), once


class _Spellings:
    """What is searched for to find one secret."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.anchor = anchor(text).encode()
        self.edges = Edges(text)

    # Made when the secret may have been found: most runs print none.
    @cached_property
    def literals(self) -> list[_Needle]:
        return [_Needle(form) for form in set(literals(self._text))]

    @cached_property
    def needles(self) -> list[_Needle]:
        return [_Needle(form) for form in set(needles(self._text))]


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _unused(key: str, used: Mapping[str, Any]) -> str:
    """Return a key that is not used: two that were masked may be the same."""
    while key in used:
        key += MASK[0]
    return key


def _texts(value: Any) -> Iterator[str]:
    """What of a JSON value is masked: texts, their lines, other ways to write them."""
    match value:
        case str():
            pieces = {value, value.strip(), *map(str.strip, value.splitlines())}
            yield from (piece for piece in pieces if len(piece) >= MIN_LENGTH)
            if len(value) >= MIN_LENGTH:
                yield from encoded(value)
                yield from _other_numbers(value)
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


def _other_numbers(text: str) -> Iterator[str]:
    """Yield how JSON writes the number that a text is: 90125.5 for "90125.50"."""
    number = _number(text)
    if number is not None:
        yield _as_json(number)


def _number(text: str) -> float | None:
    """Return the number that a text is; None if it is none that can be masked."""
    try:
        number = float(text)
    except ValueError:
        return None
    is_long = math.isfinite(number) and len(_as_json(number)) >= MIN_LENGTH
    return number if is_long else None


def _as_json(number: float) -> str:
    is_whole = number.is_integer() and abs(number) < _MAX_WHOLE
    return str(int(number)) if is_whole else repr(number)
