"""Text on its way into the journal: masked, line by line, a long line in pieces."""

from typing import Protocol

from .masking import Masker

#: Bytes of a piece. As JSON, an event with a piece stays well below what the follower
#: takes for a line.
PIECE = 200_000
_CHARACTER = 4


class Write(Protocol):
    """What is done with masked text."""

    def __call__(self, text: bytes, *, open_: bool) -> None:
        """Write a line, or with `open_` a piece that the next text continues."""


class Text:
    """Cuts text into lines, and long lines into pieces that end within no secret."""

    def __init__(self, masker: Masker, write: Write) -> None:
        self._masker = masker
        self._write = write
        self._buffer = bytearray()
        self._open = False

    def feed(self, content: bytes) -> None:
        """Take text that may have several lines; the last one may go on."""
        *lines, rest = content.split(b"\n")
        for line in lines:
            self.end_line(line)
        if rest:
            self.add(rest)

    def add(self, content: bytes) -> None:
        """Take a piece of a line that goes on."""
        self._buffer += content
        while len(self._buffer) > PIECE + self._masker.longest + _CHARACTER:
            taken, rest = self._cut(bytes(self._buffer), PIECE)
            self._write(self._masker.text(taken), open_=True)
            self._buffer = bytearray(rest)
            self._open = True

    def continue_after(self, content: bytes) -> bytes:
        """Return what can be written of the beginning of a line that goes on.

        The rest, where a secret may have begun, is kept for the pieces that follow.
        """
        taken, rest = self._cut(content, max(len(content) - self._masker.longest, 0))
        self.feed(rest)
        self._open = True
        return taken

    def end_line(self, content: bytes = b"") -> None:
        """Take the end of a line."""
        if self._buffer or len(content) > PIECE:
            self.add(content)
            content = bytes(self._buffer)
            self._buffer.clear()
        self._open = False
        self._write(self._masker.text(content.removesuffix(b"\r")), open_=False)

    def close(self) -> None:
        """End a line that has no end."""
        if self._open or self._buffer:
            self.end_line()

    def _cut(self, content: bytes, at: int) -> tuple[bytes, bytes]:
        at = before_character(content, self._masker.safe_cut(content, at))
        return content[:at], content[at:]


def before_character(content: bytes, at: int) -> int:
    """Return the last place at or before `at` that is within no character of UTF-8."""
    for back in range(min(_CHARACTER, at)):
        if at - back >= len(content) or content[at - back] & 0xC0 != 0x80:
            return at - back
    return at
