"""Reading a journal: whole lines from a byte offset, in batches of bounded size."""

import os
from dataclasses import dataclass
from pathlib import Path

from app.domain.events import JournalEvent
from app.runner.masking import Masker
from app.runner.text import before_character
from app.worker.translate import MAX_LINE, output, translate

#: One batch has at most so many lines.
MAX_LINES = 1000
#: Bytes read at a time. With MAX_LINE, this bounds the memory that a journal takes.
BLOCK = 512 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in their order, and the offset up to which the journal is in them."""

    events: list[JournalEvent]
    offset: int


class Journal:
    """A journal file, read from `offset` on; secrets are masked on the way.

    Nothing but the offset needs to be remembered: it is always at the beginning of a
    line, or of a further piece of one that is too long to be anything but output.
    """

    def __init__(self, path: Path, offset: int, masker: Masker) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._masker = masker
        #: Where in the file the buffer begins.
        self._offset = offset
        self._buffer = b""
        self._inside_line = offset > 0 and self._pread(1, offset - 1) != b"\n"

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def read(self, *, ended: bool = False) -> Batch | None:
        """Return the next batch, None if nothing whole has come yet.

        With `ended`, nothing more will be written, so a last line without a newline
        is whole too.
        """
        while True:
            grown = self._fill()
            events = self._take_lines() or self._take_piece()
            if not events and ended and not grown and self._buffer:
                events = [self._event(self._consume(len(self._buffer)))]
            if events:
                return Batch(events, self._offset)
            if not grown:
                return None

    def _fill(self) -> bool:
        """Read one block behind the buffer, unless it still has whole lines."""
        if b"\n" in self._buffer:
            return True
        block = self._pread(BLOCK, self._offset + len(self._buffer))
        self._buffer += block
        return bool(block)

    def _take_lines(self) -> list[JournalEvent]:
        events: list[JournalEvent] = []
        begin = 0
        while len(events) < MAX_LINES:
            end = self._buffer.find(b"\n", begin)
            if end < 0 or end - begin > MAX_LINE:
                break
            events.append(self._event(self._buffer[begin:end]))
            begin = end + 1
        self._consume(begin)
        return events

    def _take_piece(self) -> list[JournalEvent]:
        """Take the beginning of a line that is too long, cutting no secret in two."""
        # Until the line's end or enough of it is there, a secret may only have begun.
        enough = MAX_LINE + self._masker.longest
        if len(self._buffer) <= enough and b"\n" not in self._buffer:
            return []
        length = self._masker.safe_cut(self._buffer, MAX_LINE)
        length = before_character(self._buffer, length)
        piece = self._masker.text(self._consume(length))
        self._inside_line = True
        return [output(piece, open_=True)]

    def _event(self, line: bytes) -> JournalEvent:
        if self._inside_line:
            self._inside_line = False
            return output(self._masker.text(line))
        return translate(self._masker.line(line))

    def _consume(self, length: int) -> bytes:
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        self._offset += length
        return taken

    def _pread(self, length: int, offset: int) -> bytes:
        return os.pread(self._descriptor, length, offset)
