"""Server-sent events, as a client of the live stream takes them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Message:
    """One event of the stream; `id` is empty where it has none."""

    event: str
    data: str
    id: str


def messages(chunks: Iterable[bytes]) -> Iterator[Message]:
    """The whole messages in a stream, without comments and what was cut off.

    The lines are found here, since a line of JSON may hold characters at which other
    readers of lines would break it.
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
