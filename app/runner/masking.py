"""Mask secret values before content is stored or shown.

The runner masks what it writes into the journal; the follower, which records the
journals of scripts too, masks what it reads. Masking takes time in proportion to the
length of the content times the number of secrets, for any content and any secrets.
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
#: Shorter values are not masked: they occur in any text by chance.
MIN_LENGTH = 4
#: JSON writes integers below this without an exponent.
_MAX_WHOLE = 10**16
#: Bytes of a repetitive text that are compared at once.
_STRIDE = 4096
#: A uuid of ansible-runner, which appends a number to a repeated one.
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_\d{1,9})?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(\+00:00|Z)?")
_NAME = re.compile(r"(playbook_on|runner|runner_item|runner_on)_[a-z_]{1,40}|verbose")
_NUMBER = re.compile(r"\d{1,9}")
#: The structural fields of an event of ansible-runner, with their valid values. Valid
#: values are not masked: a short secret can be a part of one by chance.
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

    It finds them unchanged, in JSON and quotes at any depth, in the escapes of URLs and
    HTML, in hexadecimal and in base64. `secret_encodings` has the details.
    """

    def __init__(self, secrets: Iterable[Any]) -> None:
        self._texts = {text for secret in secrets for text in _texts(secret)}
        self._spellings = [_Spellings(text) for text in self._texts]
        #: Length in bytes of the longest encoding of a secret.
        self.longest = max(map(longest, self._texts), default=0)

    def finds(self, content: bytes) -> bool:
        """Return whether the content may contain a secret; False is certain."""
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

        Valid structural fields are kept, unless the whole value is a secret.

        Raises:
            RecursionError: The event is nested too deeply.
        """
        data = event.get("event_data")
        masked = self._fields({**event, "event_data": None})
        masked["event_data"] = (
            self._fields(data) if isinstance(data, dict) else self.value(data)
        )
        return masked

    def value(self, value: Any) -> Any:
        """Return a JSON value with every secret masked in its texts and numbers.

        Raises:
            RecursionError: The value is nested too deeply.
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
        """Return the last offset at or before `at` that isn't inside a secret.

        If the secret around `at` starts at 0, return `at` itself: a cut at 0 would make
        no progress.
        """
        for start, end in self.spans(content[: at + self.longest]):
            if start < at < end:
                return start or at
        return at

    def spans(self, content: bytes) -> list[tuple[int, int]]:
        """Return the spans of secrets, in order; overlapping ones are merged."""
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
        return numbers - {None}  # type: ignore[return-value] # None is removed

    def _fields(self, content: Mapping[str, Any]) -> dict[str, Any]:
        masked: dict[str, Any] = {}
        for key, value in content.items():
            name = key if key in _KEYS else _unused(self._in_text(key), masked)
            masked[name] = (
                value if self._is_structure(key, value) else self.value(value)
            )
        return masked

    def _is_structure(self, key: str, value: Any) -> bool:
        """Return whether a value is valid for that field and isn't itself a secret."""
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
        """Yield the spans of the text; overlapping occurrences are one span.

        Of an occurrence that overlaps with the previous one, only the added part is
        compared, so this takes linear time even if the text repeats itself.
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
        """Return what an overlapping occurrence adds: repeated, and once.

        The repetitions are for long texts: they are compared in one step.
        """
        text = self._text
        borders = [0] * len(text)
        border = 0
        for at in range(1, len(text)):
            while border and text[at] != text[border]:
                border = borders[border - 1]
            border += text[at] == text[border]
            borders[at] = border
        # `border` is the longest proper prefix that is also a suffix. The text behind
        # it is the shortest addition that makes the text occur again.
        once = text[border:]
        return once * (_STRIDE // len(once) + 1), once


class _Spellings:
    """The texts to search for to find one secret."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.anchor = anchor(text).encode()
        self.edges = Edges(text)

    # Made only if the content may contain the secret: most runs don't print any.
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
    """Return an unused key: two masked keys may be equal."""
    while key in used:
        key += MASK[0]
    return key


def _texts(value: Any) -> Iterator[str]:
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
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case bool() | None:
            return
        case _:
            yield from _texts(str(value))


def _other_numbers(text: str) -> Iterator[str]:
    """Yield a text that is a number as JSON writes it: 90125.5 for "90125.50"."""
    number = _number(text)
    if number is not None:
        yield _as_json(number)


def _number(text: str) -> float | None:
    """Parse a text as a number; None if it isn't one, or is too short to be masked."""
    try:
        number = float(text)
    except ValueError:
        return None
    is_long = math.isfinite(number) and len(_as_json(number)) >= MIN_LENGTH
    return number if is_long else None


def _as_json(number: float) -> str:
    is_whole = number.is_integer() and abs(number) < _MAX_WHOLE
    return str(int(number)) if is_whole else repr(number)
