"""Mask text for the journal and split it into lines, and long lines into pieces."""

from typing import Protocol

from .masking import Masker

#: Bytes of a piece. As JSON, an event with a piece stays well below the length of a
#: line that the follower accepts.
PIECE = 200_000
_CHARACTER = 4


class Write(Protocol):
    """Writes masked text."""

    def __call__(self, text: bytes, *, open_: bool) -> None:
        """Write a line, or with `open_` a piece that the next text continues."""


class Text:
    """Splits text into lines, and long lines into pieces that don't cut a secret."""

    def __init__(self, masker: Masker, write: Write) -> None:
        self._masker = masker
        self._write = write
        self._buffer = bytearray()
        self._open = False

    def feed(self, content: bytes) -> None:
        """Add text of any number of lines; the last one may be incomplete."""
        *lines, rest = content.split(b"\n")
        for line in lines:
            self.end_line(line)
        if rest:
            self.add(rest)

    def add(self, content: bytes) -> None:
        """Add a piece of an incomplete line."""
        self._buffer += content
        while len(self._buffer) > PIECE + self._masker.longest + _CHARACTER:
            taken, rest = self._cut(bytes(self._buffer), PIECE)
            self._write(self._masker.text(taken), open_=True)
            self._buffer = bytearray(rest)
            self._open = True

    def continue_after(self, content: bytes) -> bytes:
        """Return the part of an incomplete line that can be written.

        The rest, which may contain the beginning of a secret, is kept for the pieces
        that follow.
        """
        taken, rest = self._cut(content, max(len(content) - self._masker.longest, 0))
        self.feed(rest)
        self._open = True
        return taken

    def end_line(self, content: bytes = b"") -> None:
        """Add the end of a line."""
        if self._buffer or len(content) > PIECE:
            self.add(content)
            content = bytes(self._buffer)
            self._buffer.clear()
        self._open = False
        self._write(self._masker.text(content.removesuffix(b"\r")), open_=False)

    def close(self) -> None:
        """End an incomplete line."""
        if self._open or self._buffer:
            self.end_line()

    def _cut(self, content: bytes, at: int) -> tuple[bytes, bytes]:
        at = before_character(content, self._masker.safe_cut(content, at))
        return content[:at], content[at:]


def before_character(content: bytes, at: int) -> int:
    """Return the last offset at or before `at` that isn't inside a UTF-8 character."""
    for back in range(min(_CHARACTER, at)):
        if at - back >= len(content) or content[at - back] & 0xC0 != 0x80:
            return at - back
    return at
