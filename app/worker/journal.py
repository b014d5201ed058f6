"""Read a journal: complete lines from a byte offset, in batches of bounded size."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from app.domain.events import JournalEvent, Notice, Output, StepReported
from app.runner.masking import Masker
from app.runner.text import before_character
from app.worker.secret_scan import SecretScan
from app.worker.translate import MAX_LINE, NOTHING, output, translate

#: Maximum number of lines in a batch.
MAX_LINES = 1000
#: Bytes to read at a time. With MAX_LINE, this limits the memory for a journal.
BLOCK = 512 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in order, and the offset in the journal at which each of them ends."""

    events: list[JournalEvent]
    ends: list[int]

    @property
    def offset(self) -> int:
        """The offset at which the last event ends."""
        return self.ends[-1]


class JournalReader:
    """Reads a journal file from `offset` on and masks secrets.

    To resume reading, only the offset is needed: it is always at the beginning of a
    line, or of a further piece of a line that is too long to be anything but output.
    """

    def __init__(
        self, path: Path, offset: int, masker: Masker, *, script: bool = False
    ) -> None:
        """Open the journal; `script` says that a script wrote it, not the runner."""
        self._script = script
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._masker = masker
        self._scan = SecretScan(masker)
        #: The offset in the file at which the buffer begins.
        self._offset = offset
        self._buffer = b""
        self._inside_line = offset > 0 and self._pread(1, offset - 1) != b"\n"

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def read(self, *, ended: bool = False) -> Batch | None:
        """Return the next batch, None if there is no complete line yet.

        With `ended`, nothing more will be written, so a last line without a newline
        is complete too.
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
        """Return a notice if the journal was truncated, and restart at offset 0.

        Nothing that FastDeploy starts truncates the file, but another process may.
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
        """Read one block into the buffer, unless it still has complete lines."""
        if b"\n" in self._buffer:
            return True
        block = self._pread(BLOCK, self._offset + len(self._buffer))
        self._buffer += block
        return bool(block)

    def raw(self, start: int, end: int) -> Output:
        """Return the bytes from `start` to `end` as output, without parsing them."""
        line = self._pread(end - start, start)
        is_whole = line.endswith(b"\n")
        content = self._masker.text(line.removesuffix(b"\n"))
        return output(content, open_=not is_whole)

    def _take_lines(self) -> Batch | None:
        lines: list[bytes] = []
        ends: list[int] = []
        begin = 0
        while len(lines) < MAX_LINES:
            end = self._buffer.find(b"\n", begin)
            if end < 0 or end - begin > MAX_LINE:
                break
            lines.append(self._buffer[begin:end])
            begin = end + 1
            ends.append(self._offset + begin)
        # Searching all of them at once costs less than searching each of them.
        masker = self._masker if self._scan.finds(self._consume(begin)) else NOTHING
        events = [self._event(line, masker) for line in lines]
        return Batch(events, ends) if events else None

    def _take_piece(self) -> Batch | None:
        """Take the first piece of a too long line, without splitting a secret."""
        # Wait for the line's end or enough of it, as a secret may be incomplete.
        enough = MAX_LINE + self._masker.longest
        if len(self._buffer) <= enough and b"\n" not in self._buffer:
            return None
        length = self._masker.safe_cut(self._buffer, MAX_LINE)
        length = before_character(self._buffer, length)
        piece = self._masker.text(self._consume(length))
        self._inside_line = True
        return self._one(output(piece, open_=True))

    def _one(self, event: JournalEvent) -> Batch:
        """Return a batch with an event that ends at the current offset."""
        return Batch([event], [self._offset])

    def _event(self, line: bytes, masker: Masker) -> JournalEvent:
        if self._inside_line:
            self._inside_line = False
            return output(masker.text(line))
        return translate(line, masker, script=self._script)

    def _last(self, line: bytes) -> JournalEvent:
        """Translate a last line without a newline."""
        event = self._event(line, self._masker)
        if isinstance(event, Output | StepReported):
            return replace(event, open=True)
        # The runner ends each event with a newline; a script may break off within one.
        if self._script:
            return output(self._masker.text(line), open_=True)
        return event

    def _consume(self, length: int) -> bytes:
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        self._offset += length
        return taken

    def _pread(self, length: int, offset: int) -> bytes:
        return os.pread(self._descriptor, length, offset)
