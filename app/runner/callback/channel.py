"""The FIFO to the runner: events, and the text between them, in one order.

Each record is a line. `HEIGHT JSON` is an event that displayed HEIGHT lines, `> TEXT`
is a line of text, and `+ TEXT` is a piece of a line that the next text record
continues.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from .encoding import JSON

#: Characters of text in one record. The rest of an event is sent as text records.
MAX_TEXT = 200_000


class Channel:
    """Writes events and text to the runner, or nothing if there is no runner."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._pid = os.getpid()
        self._torn = False
        # Ansible calls callbacks and displays text from two threads, and a signal
        # handler may display text while its thread holds the lock.
        self._lock = threading.RLock()
        #: The pieces of an incomplete line.
        self._line: list[str] = []
        self._length = 0

    @classmethod
    def from_environment(cls) -> Channel:
        """Open the FIFO that the runner made, if the runner started this process.

        Other processes may have inherited the variable with the FIFO's name: Ansible
        runs inventory scripts before it loads callback plugins. Their standard output
        is another pipe.
        """
        path = os.environ.get("FASTDEPLOY_EVENT_PIPE")
        terminal = os.environ.get("FASTDEPLOY_TERMINAL")
        if path is None or terminal != str(os.fstat(1).st_ino):
            return cls(None)
        # Opening it doesn't wait for a reader; it fails without one.
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(descriptor, True)
        # From here on, no other process can open it, not even a module of this user.
        Path(path).unlink()
        return cls(descriptor)

    @property
    def connected(self) -> bool:
        """Whether the runner reads what is sent."""
        return self._descriptor is not None

    def text(self, text: str) -> None:
        """Send the lines of a text that was displayed outside of an event."""
        with self._lock:
            lines, newline, rest = text.rpartition("\n")
            if newline:
                self._write(records(self._take_line() + lines))
            if rest:
                self._line.append(rest)
                self._length += len(rest)
            if self._length > MAX_TEXT:
                self._write([f"+ {self._take_line()}\n"])

    def event(self, head: dict[str, Any], text: str, data: str) -> None:
        """Send an event with its displayed text and its data, encoded as JSON."""
        with self._lock:
            if text:
                text = self._take_line() + text
            self._write(_event(head, text, data))

    def close(self) -> None:
        """Send a last line without a newline, when the process exits.

        A forked process must not send the same line again, and its copy of the lock may
        be locked forever.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._line:
                self._write(records(self._take_line()))

    def _take_line(self) -> str:
        line = "".join(self._line)
        self._line.clear()
        self._length = 0
        return line

    def _write(self, written: Iterable[str]) -> None:
        if self._descriptor is None:
            return
        try:
            for record in written:
                start = "\n" if self._torn else ""
                rest = memoryview((start + record).encode(errors="replace"))
                self._torn = True
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
                self._torn = False
        except BrokenPipeError:
            # The runner has ended: stop, since nothing records the run any longer.
            self._descriptor = None
            os.kill(os.getpid(), signal.SIGINT)


class DisplayedText(threading.local):
    """The text that the current thread displays while one of its callbacks runs."""

    pieces: list[str] | None = None


class Event:
    """A context manager that sends an event with the text that its body displays.

    It is optimized for speed: Ansible sends many events.
    """

    def __init__(
        self, channel: Channel, shown: DisplayedText, head: dict[str, Any], data: str
    ) -> None:
        self._channel = channel
        self._shown = shown
        self._head = head
        self._data = data

    def __enter__(self) -> None:
        # Text that bypassed the `Terminal` so far precedes this event.
        sys.stdout.flush()
        self._pieces: list[str] = []
        self._shown.pieces = self._pieces

    def __exit__(self, *_: object) -> None:
        self._shown.pieces = None
        self._channel.event(self._head, "".join(self._pieces), self._data)


class Terminal:
    """Replaces a standard stream and sends its text through the channel."""

    def __init__(self, stream: TextIO, shown: DisplayedText, channel: Channel) -> None:
        self._stream = stream
        self._shown = shown
        self._channel = channel
        self._pid = os.getpid()

    def write(self, text: str) -> int:
        """Keep the text if it belongs to an event, or else send it."""
        if os.getpid() != self._pid:
            # A forked process must not use its copies of the lock and the pieces.
            return self._stream.write(text)
        if self._shown.pieces is None:
            self._channel.text(text)
        else:
            self._shown.pieces.append(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the texts in one piece."""
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def records(text: str) -> Iterator[str]:
    """Split a text, which has no newline at its end, into records of limited size."""
    at = 0
    while len(text) - at > MAX_TEXT:
        end = text.rfind("\n", at, at + MAX_TEXT)
        if end < 0:
            yield f"+ {text[at : at + MAX_TEXT]}\n"
            at += MAX_TEXT
        else:
            yield _lines(text[at:end])
            at = end + 1
    yield _lines(text[at:])


def _lines(text: str) -> str:
    return "> " + text.replace("\n", "\n> ") + "\n"


def _event(head: dict[str, Any], text: str, data: str) -> Iterator[str]:
    """Yield the record of an event, then records of the text beyond its limit.

    The field `stdout_open` marks an event whose last line continues in those records.
    """
    height = text.count("\n")
    text = text.rstrip("\r\n")
    first, rest = text, None
    if len(text) > MAX_TEXT:
        end = text.rfind("\n", MAX_TEXT // 2, MAX_TEXT)
        if end < 0:
            first, rest = text[:MAX_TEXT], text[MAX_TEXT:]
            head["stdout_open"] = True
            height = first.count("\n")
        else:
            first, rest = text[:end], text[end + 1 :]
            height = first.count("\n") + 1
    head["stdout"] = first
    opening = JSON.encode(head).removesuffix("}")
    yield f'{height} {opening}, "event_data": {data}}}\n'
    if rest is not None:
        yield from records(rest)
