"""Mask secret values before content is stored or shown.

The runner masks what it writes into the journal; the follower, which records the
journals of scripts too, masks what it reads. Secrets of every source go through a
`Masker`: launch variables, SOPS files, and what Ansible decrypts during the run.
Masking takes time in proportion to the length of the content; if it contains secrets,
times the number of those secrets.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .canonical import CanonicalForm
from .secret_encodings import anchor, longest
from .secret_search import Index, Spellings
from .secret_values import number, texts, too_short

MASK = "********"

#: The offset of the first byte of a part of a content, and of the first one after it.
Span = tuple[int, int]
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
    "hosts", "ignore_errors", "ignore_unreachable", "ignored", "inventory", "ok",
    "play", "play_pattern", "playbook", "processed", "remote_addr", "res", "rescued",
    "resolved_action", "role", "skipped", "stdout", "stdout_open", "task",
    "task_action", "task_args", "task_path", "task_tags",
}  # fmt: skip


class Masker:
    """Replaces secret values in text and in JSON.

    It finds them unchanged, in JSON and quotes at any depth, in the escapes of URLs and
    HTML, in hexadecimal and in base64. `secret_encodings` has the details.
    """

    def __init__(self, secrets: Iterable[Any]) -> None:
        self._texts: set[str] = set()
        self._short: set[str] = set()
        self._numbers: set[float] = set()
        self._index = Index()
        #: Length in bytes of the longest encoding of a secret.
        self.longest = 0
        for secret in secrets:
            self.add(secret)

    @property
    def unmasked(self) -> int:
        """The number of different secrets that are too short to be masked."""
        return len(self._short)

    @property
    def anchors(self) -> set[str]:
        """The part of each secret, and of its encodings, that no encoding changes."""
        return {anchor(text) for text in self._texts}

    def add(self, secret: Any) -> None:
        """Mask a further JSON value from now on."""
        self._short.update(too_short(secret))
        for text in texts(secret):
            if text in self._texts:
                continue
            self._texts.add(text)
            self._index.add(Spellings(text))
            self.longest = max(self.longest, longest(text))
            value = number(text)
            if value is not None:
                self._numbers.add(value)

    def finds(self, content: bytes) -> bool:
        """Return whether the content may contain a secret; False is certain."""
        return bool(self._texts) and bool(self._index.candidates(content))

    def text(self, content: bytes) -> bytes:
        """Return text with every secret masked.

        The sequences of a terminal that interrupt a secret follow its mask.
        """
        spans, sequences = self._find(content)
        pieces: list[bytes] = []
        at = 0
        left = iter(sequences)
        sequence = next(left, None)
        for start, end in spans:
            pieces += [content[at:start], MASK.encode()]
            while sequence and sequence[0] < end:
                if start <= sequence[0]:
                    pieces.append(content[slice(*sequence)])
                sequence = next(left, None)
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

    def spans(self, content: bytes) -> list[Span]:
        """Return the spans of secrets, in order; overlapping ones are merged."""
        return self._find(content)[0]

    def _find(self, content: bytes) -> tuple[list[Span], list[Span]]:
        """Return the spans of secrets, and the sequences that interrupt them."""
        likely = self._index.candidates(content) if self._texts else []
        if not likely:
            return [], []
        literal = (s for one in likely for n in one.literals
                   for s in n.occurrences(content))  # fmt: skip
        whole = _merged(
            [*literal, *_in_canonical(likely, content, CanonicalForm(content))]
        )
        through = CanonicalForm(content, through_sequences=True)
        if not through.sequences:
            return whole, []
        spans = _merged([*whole, *_in_canonical(likely, content, through)])
        return spans, list(_apart(through.sequences, whole))

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


def _in_canonical(
    secrets: Iterable[Spellings], content: bytes, canonical: CanonicalForm
) -> Iterator[Span]:
    for one in secrets:
        for needle in one.needles:
            for span in needle.occurrences(canonical.content):
                yield one.edges.around(content, *canonical.original(*span))


def _apart(spans: Iterable[Span], others: list[Span]) -> Iterator[Span]:
    """Yield the spans that overlap with none of the others; both are in order."""
    at = 0
    for start, end in spans:
        while at < len(others) and others[at][1] <= start:
            at += 1
        if at == len(others) or end <= others[at][0]:
            yield start, end


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
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
