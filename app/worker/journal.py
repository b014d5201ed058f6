"""Reading a journal: whole lines from a byte offset, in batches of bounded size."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from app.domain.events import JournalEvent, Notice, Output, StepReported
from app.runner.masking import Masker
from app.runner.text import before_character
from app.worker.translate import MAX_LINE, output, translate

#: One batch has at most so many lines.
MAX_LINES = 1000
#: Bytes read at a time. With MAX_LINE, this bounds the memory that a journal takes.
BLOCK = 512 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in their order, and where in the journal each of them ends."""

    events: list[JournalEvent]
    ends: list[int]

    @property
    def offset(self) -> int:
        """The offset up to which the journal is in the events."""
        return self.ends[-1]


class JournalReader:
    """A journal file, read from `offset` on; secrets are masked on the way.

    Nothing but the offset needs to be remembered: it is always at the beginning of a
    line, or of a further piece of one that is too long to be anything but output.
    """

    def __init__(
        self, path: Path, offset: int, masker: Masker, *, script: bool = False
    ) -> None:
        """`script` says that a service's script wrote it, not the runner."""
        self._script = script
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
        if lost := self._truncated():
            return self._one(Notice(lost))
        while True:
            grown = self._fill()
            batch = self._take_lines() or self._take_piece()
            if batch is None and ended and not grown and self._buffer:
                batch = self._one(self._last(self._consume(len(self._buffer))))
            if batch is not None:
                return batch
            if not grown:
                return None

    def _truncated(self) -> str:
        """Say what a truncation has taken, and read on from where writing goes on.

        Nothing that FastDeploy starts truncates the file; somebody else may.
        """
        size = os.fstat(self._descriptor).st_size
        if size >= self._offset + len(self._buffer):
            return ""
        was, self._offset = self._offset, 0
        self._buffer, self._inside_line = b"", False
        return (
            f"The journal was truncated from at least {was} to {size} bytes: lines "
            "that were not recorded before are lost. Recording goes on from there."
        )

    def _fill(self) -> bool:
        """Read one block behind the buffer, unless it still has whole lines."""
        if b"\n" in self._buffer:
            return True
        block = self._pread(BLOCK, self._offset + len(self._buffer))
        self._buffer += block
        return bool(block)

    def raw(self, start: int, end: int) -> Output:
        """Return what stands there as output, whatever it is."""
        line = self._pread(end - start, start)
        is_whole = line.endswith(b"\n")
        content = self._masker.text(line.removesuffix(b"\n"))
        return output(content, open_=not is_whole)

    def _take_lines(self) -> Batch | None:
        events: list[JournalEvent] = []
        ends: list[int] = []
        begin = 0
        while len(events) < MAX_LINES:
            end = self._buffer.find(b"\n", begin)
            if end < 0 or end - begin > MAX_LINE:
                break
            events.append(self._event(self._buffer[begin:end]))
            begin = end + 1
            ends.append(self._offset + begin)
        self._consume(begin)
        return Batch(events, ends) if events else None

    def _take_piece(self) -> Batch | None:
        """Take the beginning of a line that is too long, cutting no secret in two."""
        # Until the line's end or enough of it is there, a secret may only have begun.
        enough = MAX_LINE + self._masker.longest
        if len(self._buffer) <= enough and b"\n" not in self._buffer:
            return None
        length = self._masker.safe_cut(self._buffer, MAX_LINE)
        length = before_character(self._buffer, length)
        piece = self._masker.text(self._consume(length))
        self._inside_line = True
        return self._one(output(piece, open_=True))

    def _one(self, event: JournalEvent) -> Batch:
        """Return an event that ends where reading has come to."""
        return Batch([event], [self._offset])

    def _event(self, line: bytes) -> JournalEvent:
        if self._inside_line:
            self._inside_line = False
            return output(self._masker.text(line))
        return translate(line, self._masker, script=self._script)

    def _last(self, line: bytes) -> JournalEvent:
        """Return the event that a last line without a newline is."""
        event = self._event(line)
        if isinstance(event, Output | StepReported):
            return replace(event, open=True)
        # Events have a newline each, but for one that a script broke off.
        if self._script:
            return output(self._masker.text(line), open_=True)
        return event

    def _consume(self, length: int) -> bytes:
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        self._offset += length
        return taken

    def _pread(self, length: int, offset: int) -> bytes:
        return os.pread(self._descriptor, length, offset)
