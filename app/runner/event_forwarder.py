"""Forward the events and the output of ansible-playbook to the journal."""

import fcntl
import json
import os
import re
import select
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import environment, file_diffs, private_data_dir
from .journal import JournalWriter
from .listener import Lines, Listener, as_json, is_whole
from .masking import Masker
from .plaintexts import Plaintexts
from .text import Text

#: The pipe buffers a burst of events, so that Ansible doesn't wait.
_PIPE_SIZE = 1 << 20
#: Text that a reader could parse as a line of JSON, whatever it takes for a newline.
_LIKE_JSON = re.compile(rb"(?:^|[\r\v\f\x1c-\x1e\x85])[\x00-\x20]*(?:\xef\xbb\xbf)?\{")

#: The fields of an event that the runner adds.
_OF_RUNNER = frozenset({"counter", "file_digests", "runner_ident"})


class Forwarder(Listener):
    """Copies events and terminal text to the journal.

    The callback plugin sends events, and the text displayed between them, through one
    FIFO in `private`, which keeps their order; `callback/channel.py` describes the
    format. Text that is printed without the plugin, by a forked process or before
    Ansible loads it, arrives through `terminal`.
    """

    def __init__(
        self,
        journal: JournalWriter,
        masker: Masker,
        plaintexts: Plaintexts,
        ident: str,
        private: Path,
    ) -> None:
        super().__init__(journal, masker, plaintexts, ident, thread_name="forward")
        events = private_data_dir.make_fifo(private)
        # Opened before the plugin opens it, which doesn't wait for a reader.
        self._events = os.open(events, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        _enlarge(self._events)
        self.environment = environment.for_our_callback(events, self.terminal)
        self._displayed = Text(masker, self._write_text)
        self._printed = Text(masker, self._write_text)

    def _run(self) -> None:
        records = Lines(self._on_record)
        poll = select.poll()
        for descriptor in (self._text, self._events, self._done):
            poll.register(descriptor, select.POLLIN)
        done = False
        while not done:
            ready = poll.poll()
            done = any(descriptor == self._done for descriptor, _ in ready)
            # Text first: text that was printed before an event then precedes it.
            while chunk := self._read(self._text):
                self._printed.feed(chunk)
            records.drain(lambda: self._read(self._events))
            if (self._events, select.POLLHUP) in ready:
                # The plugin closed the FIFO; polling it further would spin.
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
        # A line is incomplete here only if Ansible was interrupted while writing it.
        self._displayed.close()
        is_open = event.get("stdout_open") is True
        if is_open:
            stdout = event["stdout"].encode(errors="replace")
            event["stdout"] = self._displayed.continue_after(stdout).decode()
            height = event["stdout"].count("\n")
        # Of the text before masking: a masked secret may have changed.
        digests = self._digests(event, content)
        if is_open or self._masker.finds(content):
            try:
                content = as_json(self._masker.event(event))
            except RecursionError:
                # Nested too deeply to be masked value by value: keep it as text.
                self._displayed.end_line(content)
                return
        self._write_event(content, height, digests)

    def _digests(self, event: dict[str, Any], content: bytes) -> str:
        """Return the field with the digests of files; empty without any."""
        if not self.file_key or b'"diff"' not in content:
            return ""
        found = file_diffs.digests(event, self.file_key)
        return f'"file_digests": {json.dumps(found)}, ' if found else ""

    def _write_text(self, text: bytes, *, open_: bool) -> None:
        if not open_ and not _LIKE_JSON.search(text):
            self._line += 1
            self._journal.write(text)
            return
        # An event for plain output: a reader can't take its text for another event.
        event: dict[str, Any] = {
            "uuid": str(uuid.uuid4()),
            "event": "verbose",
            "stdout": text.decode(errors="replace"),
            "event_data": {},
        }
        if open_:
            event["stdout_open"] = True
        self._write_event(as_json(event), 0 if open_ else 1)

    def _write_event(self, content: bytes, height: int, fields: str = "") -> None:
        self._counter += 1
        head = (
            f'{{"counter": {self._counter}, "start_line": {self._line}, '
            f'"end_line": {self._line + height}, "runner_ident": "{self._ident}", '
            f"{fields}"
        )
        self._line += height
        self._journal.write(head.encode() + content[1:])


def _event(content: bytes) -> dict[str, Any] | None:
    """Parse a line as an event; return None if the callback plugin didn't write it."""
    try:
        event = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or event.keys() & _OF_RUNNER:
        return None
    return event if is_whole(event) and content.startswith(b"{") else None


def _enlarge(descriptor: int) -> None:
    # If the system's limit for this user is lower, the pipe keeps its size.
    with suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
