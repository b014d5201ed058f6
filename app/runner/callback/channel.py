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

#: Characters of one record's text. The rest of an event's text follows as text records.
MAX_TEXT = 200_000


class Channel:
    """Writes events and text to the runner, or nothing where there is no runner."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._pid = os.getpid()
        self._torn = False
        # Ansible calls back and displays from two threads, and a signal's handler may
        # display while its own thread is here.
        self._lock = threading.RLock()
        #: Text of a line that has no end yet.
        self._line: list[str] = []
        self._length = 0

    @classmethod
    def from_environment(cls) -> Channel:
        """Open the FIFO that the runner made, if this process is the one it started.

        Another one may have inherited its name: Ansible runs inventory scripts before
        it loads callback plugins. The text of those goes elsewhere.
        """
        path = os.environ.get("FASTDEPLOY_EVENT_PIPE")
        terminal = os.environ.get("FASTDEPLOY_TERMINAL")
        if path is None or terminal != str(os.fstat(1).st_ino):
            return cls(None)
        # The open doesn't wait for a reader: without one there is nothing to do.
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(descriptor, True)
        # From here on nobody finds it by its name, no module of this user either.
        Path(path).unlink()
        return cls(descriptor)

    @property
    def connected(self) -> bool:
        """Whether the runner reads what is sent."""
        return self._descriptor is not None

    def text(self, text: str) -> None:
        """Send the lines of a text that was displayed outside of every event."""
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
        """Send an event with its displayed text and its data, which is JSON already."""
        with self._lock:
            if text:
                text = self._take_line() + text
            self._write(_event(head, text, data))

    def close(self) -> None:
        """Send a last line that has no end.

        It runs when the process exits. A forked process must not send the same line
        again, and its copy of the lock may stay locked.
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
            # The runner is gone: end, rather than go on where nobody can see it.
            self._descriptor = None
            os.kill(os.getpid(), signal.SIGINT)


class Shown(threading.local):
    """What the current thread displays while one of its callbacks runs."""

    pieces: list[str] | None = None


class Event:
    """An event whose body displays its text. It runs so often that each step counts."""

    def __init__(
        self, channel: Channel, shown: Shown, head: dict[str, Any], data: str
    ) -> None:
        self._channel = channel
        self._shown = shown
        self._head = head
        self._data = data

    def __enter__(self) -> None:
        # What was printed past our stand-ins until now comes before this event.
        sys.stdout.flush()
        self._pieces: list[str] = []
        self._shown.pieces = self._pieces

    def __exit__(self, *_: object) -> None:
        self._shown.pieces = None
        self._channel.event(self._head, "".join(self._pieces), self._data)


class Terminal:
    """Stands in for a standard stream and sends its text through the channel."""

    def __init__(self, stream: TextIO, shown: Shown, channel: Channel) -> None:
        self._stream = stream
        self._shown = shown
        self._channel = channel
        self._pid = os.getpid()

    def write(self, text: str) -> int:
        """Keep what belongs to an event; send the rest."""
        if os.getpid() != self._pid:
            # A forked process has copies of our locks and pieces, and no use for them.
            return self._stream.write(text)
        if self._shown.pieces is None:
            self._channel.text(text)
        else:
            self._shown.pieces.append(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after another."""
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def records(text: str) -> Iterator[str]:
    """Yield a text, given without its last newline, as records of limited size."""
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
    """Yield the record of an event, then the text that is too long for it.

    `stdout_open` says that its last line goes on: there is no newline near its end.
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
