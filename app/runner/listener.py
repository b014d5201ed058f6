"""The thread that receives a run's events, and how it reads pipes."""

import json
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from .journal import JournalWriter
from .masking import Masker
from .plaintexts import Plaintexts

_CHUNK = 1 << 20
_FIELDS = {"event": str, "uuid": str, "stdout": str, "event_data": dict}


class Listener(ABC):
    """Receives a run's events and writes them into the journal, in its own thread."""

    #: The environment variables that the callback needs.
    environment: dict[str, str]
    #: The key of the digests of files; without it, there are none.
    file_key: bytes = b""

    def __init__(
        self,
        journal: JournalWriter,
        masker: Masker,
        plaintexts: Plaintexts,
        ident: str,
        *,
        thread_name: str,
    ) -> None:
        self._journal = journal
        self._masker = masker
        self._plaintexts = plaintexts
        self._ident = ident
        self._counter = 0
        self._line = 0
        #: The descriptor that ansible-playbook prints to.
        self._text, self.terminal = os.pipe()
        os.set_blocking(self._text, False)
        self._done, self._finish = os.pipe()
        self._thread = threading.Thread(target=self._run, name=thread_name, daemon=True)

    def start(self) -> None:
        """Start to read. Until then, the pipes buffer what is sent."""
        self._thread.start()

    def finish(self) -> None:
        """Forward what is left in the pipes after ansible-playbook has ended, and stop.

        Don't wait until the pipes are closed: a process that outlives ansible-playbook
        may keep them open.
        """
        os.close(self._finish)
        self._thread.join()

    def _read(self, descriptor: int, most: int = _CHUNK) -> bytes:
        """Return what can be read without blocking; empty if nothing can.

        The masker then knows every secret in it.
        """
        content = _read(descriptor, most)
        if content:
            self._plaintexts.add_to(self._masker)
        return content

    @abstractmethod
    def _run(self) -> None:
        """Read until `_done` is closed at its other end, then what is left."""


class Lines:
    """Splits a stream of bytes into lines."""

    def __init__(self, handle: Callable[[bytes], None]) -> None:
        self._handle = handle
        self._pieces: list[bytes] = []

    def drain(self, read: Callable[[], bytes]) -> None:
        """Handle the lines that `read` returns until it returns nothing."""
        while chunk := read():
            *lines, beginning = chunk.split(b"\n")
            for line in lines:
                self._handle(b"".join((*self._pieces, line)))
                self._pieces.clear()
            if beginning:
                self._pieces.append(beginning)

    def end(self) -> None:
        """Handle a last line without a newline."""
        if self._pieces:
            self._handle(b"".join(self._pieces))
            self._pieces.clear()


def as_json(event: dict[str, Any]) -> bytes:
    """Encode an event as a line of the journal."""
    return json.dumps(event, ensure_ascii=False).encode(errors="replace")


def is_whole(event: dict[str, Any]) -> bool:
    """Return whether an event has the fields that every event has."""
    return all(isinstance(event.get(key), kind) for key, kind in _FIELDS.items())


def _read(descriptor: int, most: int) -> bytes:
    try:
        return os.read(descriptor, most)
    except BlockingIOError:
        return b""
