"""Parse server-sent events, for clients of the live stream."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Message:
    """One event of the stream; `id` is empty if it has none."""

    event: str
    data: str
    id: str


def messages(chunks: Iterable[bytes]) -> Iterator[Message]:
    """Yield the complete messages in a stream, without comments.

    It splits lines itself: JSON may contain characters at which other line readers
    split, such as U+2028.
    """
    buffer = b""
    for chunk in chunks:
        *whole, buffer = _END.split(buffer + chunk)
        for block in whole:
            fields: dict[str, list[str]] = {"event": [], "data": [], "id": []}
            for line in _LINE_END.split(block.decode()):
                name, _, value = line.partition(":")
                fields.get(name, []).append(value.removeprefix(" "))
            if fields["data"]:
                yield Message(
                    event="".join(fields["event"][-1:]),
                    data="\n".join(fields["data"]),
                    id="".join(fields["id"][-1:]),
                )
