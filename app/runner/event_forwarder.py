"""Forwarding: from what ansible-playbook sends to lines of the journal."""

import fcntl
import json
import os
import re
import select
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from . import environment, private_data_dir
from .journal import JournalWriter
from .masking import Masker
from .text import Text

_CHUNK = 1 << 20
#: A burst of events waits here, not in Ansible.
_PIPE_SIZE = 1 << 20
#: A reader could take such text for a line of JSON, whatever it calls a line.
_LIKE_JSON = re.compile(rb"(?:^|[\r\v\f\x1c-\x1e\x85])[\x00-\x20]*(?:\xef\xbb\xbf)?\{")
_FIELDS = {"event": str, "uuid": str, "stdout": str, "event_data": dict}


class Listener(Protocol):
    """What hears of a run's events and writes them into the journal."""

    #: The descriptor that ansible-playbook prints to.
    terminal: int
    #: What the callback needs in its environment.
    environment: dict[str, str]

    def start(self) -> None:
        """Begin to listen. Until then, what is sent waits in the pipes."""

    def finish(self) -> None:
        """Forward what ansible-playbook left behind when it ended, and stop.

        Not until the pipes are closed: a process that it left running may hold them.
        """


class Forwarder:
    """Copies events and terminal text to the journal, in a thread of its own.

    The callback plugin sends events, and what is displayed between them, through a
    FIFO in `private`: `callback/channel.py` has the format. So they keep their order.
    What is printed without the plugin, by a forked process or before Ansible loads it,
    comes through `terminal`.
    """

    def __init__(
        self, journal: JournalWriter, masker: Masker, ident: str, private: Path
    ) -> None:
        self._journal = journal
        self._masker = masker
        self._ident = ident
        self._counter = 0
        self._line = 0
        events = private_data_dir.make_fifo(private)
        # Opened before anyone writes: the plugin's open doesn't wait for a reader.
        self._events = os.open(events, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._text, self.terminal = os.pipe()
        os.set_blocking(self._text, False)
        self._done, self._finish = os.pipe()
        _enlarge(self._events)
        self.environment = environment.for_our_callback(events, self.terminal)
        self._displayed = Text(masker, self._write_text)
        self._printed = Text(masker, self._write_text)
        self._thread = threading.Thread(target=self._run, name="forward", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def finish(self) -> None:
        """Forward what was left behind, and stop."""
        os.close(self._finish)
        self._thread.join()

    def _run(self) -> None:
        records = Lines(self._on_record)
        poll = select.poll()
        for descriptor in (self._text, self._events, self._done):
            poll.register(descriptor, select.POLLIN)
        done = False
        while not done:
            ready = poll.poll()
            done = any(descriptor == self._done for descriptor, _ in ready)
            # Text first: what was printed before an event then stands before it.
            while chunk := read(self._text):
                self._printed.feed(chunk)
            records.drain(self._events)
            if any(state == select.POLLHUP for d, state in ready if d == self._events):
                # The plugin has gone; polling on would spin.
                poll.unregister(self._events)
        self._printed.close()
        records.end()
        self._displayed.close()

    def _on_record(self, record: bytes) -> None:
        kind, _, content = record.partition(b" ")
        if kind == b">":
            self._displayed.end_line(content)
        elif kind == b"+":
            self._displayed.add(content)
        elif kind.isdigit() and (event := _event(content)) is not None:
            self._on_event(event, content, int(kind))
        else:
            self._displayed.end_line(record)

    def _on_event(self, event: dict[str, Any], content: bytes, height: int) -> None:
        # A line is open here only if Ansible was interrupted while it wrote the line.
        self._displayed.close()
        is_open = event.get("stdout_open") is True
        if is_open:
            stdout = event["stdout"].encode(errors="replace")
            event["stdout"] = self._displayed.continue_after(stdout).decode()
            height = event["stdout"].count("\n")
        if is_open or self._masker.finds(content):
            try:
                content = _as_json(self._masker.event(event))
            except RecursionError:
                # Too deep to be masked value by value: it is kept as text.
                self._displayed.end_line(content)
                return
        self._write_event(content, height)

    def _write_text(self, text: bytes, *, open_: bool) -> None:
        if not open_ and not _LIKE_JSON.search(text):
            self._line += 1
            self._journal.write(text)
            return
        # As an event of ansible-runner's for plain output it can be nothing else.
        event: dict[str, Any] = {
            "uuid": str(uuid.uuid4()),
            "event": "verbose",
            "stdout": text.decode(errors="replace"),
            "event_data": {},
        }
        if open_:
            event["stdout_open"] = True
        self._write_event(_as_json(event), 0 if open_ else 1)

    def _write_event(self, content: bytes, height: int) -> None:
        self._counter += 1
        head = (
            f'{{"counter": {self._counter}, "start_line": {self._line}, '
            f'"end_line": {self._line + height}, "runner_ident": "{self._ident}", '
        )
        self._line += height
        self._journal.write(head.encode() + content[1:])


class Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self, handle: Callable[[bytes], None]) -> None:
        self._handle = handle
        self._pieces: list[bytes] = []

    def drain(self, descriptor: int) -> None:
        """Handle the lines that can be read without waiting."""
        while chunk := read(descriptor):
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                self._handle(b"".join((*self._pieces, line)))
                self._pieces.clear()
            if rest:
                self._pieces.append(rest)

    def end(self) -> None:
        """Handle a last line that has no end."""
        if self._pieces:
            self._handle(b"".join(self._pieces))
            self._pieces.clear()


def _as_json(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode(errors="replace")


def _event(content: bytes) -> dict[str, Any] | None:
    """Return the event that a line is, or None: then it is not from our plugin."""
    try:
        event = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or event.keys() & {"counter", "runner_ident"}:
        return None
    return event if is_whole(event) and content.startswith(b"{") else None


def is_whole(event: dict[str, Any]) -> bool:
    """Whether an event has what every event has."""
    return all(isinstance(event.get(key), kind) for key, kind in _FIELDS.items())


def read(descriptor: int, most: int = _CHUNK) -> bytes:
    """Return what can be read without waiting; nothing, if there is nothing."""
    try:
        return os.read(descriptor, most)
    except BlockingIOError:
        return b""


def _enlarge(descriptor: int) -> None:
    # Where the system's limit for this user is lower, the pipe works as it is.
    with suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
