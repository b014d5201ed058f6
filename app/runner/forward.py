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

from . import environment, folder
from .journal import Journal
from .masking import Masker

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

    Events come from the callback plugin through a FIFO in `private`, one a line: the
    number of lines that it displayed, a space, a JSON object. Everything else that
    ansible-playbook prints comes through `terminal` and stays text.
    """

    def __init__(
        self, journal: Journal, masker: Masker, ident: str, private: Path
    ) -> None:
        self._journal = journal
        self._masker = masker
        self._ident = ident
        self._counter = 0
        self._line = 0
        events = folder.make_fifo(private)
        # Opened before anyone writes: the plugin's open doesn't wait for a reader.
        self._events = os.open(events, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._text, self.terminal = os.pipe()
        os.set_blocking(self._text, False)
        self._done, self._finish = os.pipe()
        _enlarge(self._events)
        self.environment = environment.for_our_callback(events)
        self._thread = threading.Thread(target=self._run, name="forward", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def finish(self) -> None:
        """Forward what was left behind, and stop."""
        os.close(self._finish)
        self._thread.join()

    def _run(self) -> None:
        texts, events = Lines(self._on_text), Lines(self._on_event)
        poll = select.poll()
        for descriptor in (self._text, self._events, self._done):
            poll.register(descriptor, select.POLLIN)
        done = False
        while not done:
            ready = poll.poll()
            done = any(descriptor == self._done for descriptor, _ in ready)
            # Text first: what was printed before an event then stands before it.
            texts.drain(self._text)
            events.drain(self._events)
            if any(state == select.POLLHUP for d, state in ready if d == self._events):
                # The plugin has gone; polling on would spin.
                poll.unregister(self._events)
        texts.end()
        events.end()

    def _on_event(self, line: bytes) -> None:
        height, _, content = line.partition(b" ")
        event = _event(content) if height.isdigit() else None
        if event is None:
            self._on_text(line)
            return
        if self._masker.finds(content):
            masked = self._masker.values(event)
            content = json.dumps(masked, ensure_ascii=False).encode(errors="replace")
        self._write_event(content, int(height))

    def _on_text(self, line: bytes) -> None:
        line = self._masker.text(line.removesuffix(b"\r"))
        if _LIKE_JSON.search(line):
            # As an event of ansible-runner's for plain output it can be nothing else.
            event = {
                "uuid": str(uuid.uuid4()),
                "event": "verbose",
                "stdout": line.decode(errors="replace"),
                "event_data": {},
            }
            self._write_event(json.dumps(event).encode(), 1)
        else:
            self._line += 1
            self._journal.write(line)

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
