"""Server-sent events, and a client of the live stream."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from testing.installation import Installation

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


@dataclass
class Watcher:
    """A client that reads a stream, and that resumes it after a disconnection."""

    client: httpx.Client
    path: str
    last_id: str = ""
    names: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    ended: bool = False

    def watch(self, pieces: int = sys.maxsize) -> None:
        """Read this number of messages, or until the stream ends."""
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with self.client.stream("GET", self.path, headers=headers) as response:
            assert response.status_code == 200
            for count, message in enumerate(messages(response.iter_bytes()), start=1):
                self._take(message)
                if self.ended or (count >= pieces and message.id):
                    return

    def _take(self, message: Message) -> None:
        assert not self.ended, "a message follows the message `end`"
        # Messages without an id are sent again after a disconnection: they are states.
        if message.id:
            self.last_id = message.id
        self.names.append(message.event)
        if message.event in ("events", "output"):
            self.data.append(message.data)
        self.ended = message.event == "end"

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event of a stream of JSON."""
        return [event for data in self.data for event in json.loads(data)]

    @property
    def lines(self) -> list[int]:
        """The number of every line of a stream of fragments."""
        return [int(n) for n in re.findall(r'id="e(\d+)"', "".join(self.data))]


def assert_everything(made: Installation, number: int, watcher: Watcher) -> None:
    """Check that a watcher has received each event once and in order, and the end."""
    assert watcher.ended
    found = watcher.events
    last = made.ended(number).last_event
    assert list(range(1, last + 1)) == [event["number"] for event in found]
    assert [e.text for e in made.events(number)] == [event["text"] for event in found]
