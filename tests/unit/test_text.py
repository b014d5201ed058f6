"""Text from the callback plugin to the journal: all of it, and no secret."""

import subprocess
import sys

import pytest

from app.runner.callback.channel import MAX_TEXT, records
from app.runner.masking import Masker
from app.runner.text import PIECE, Text

SECRET = "s3cret-p\N{LATIN SMALL LETTER A WITH DIAERESIS}ss"
EDGES = range(PIECE - len(SECRET.encode()) - 1, PIECE + 2)


class WrittenText:
    """What a Text writes, put together again as the download does it."""

    def __init__(self, *secrets: str) -> None:
        self.pieces: list[bytes] = []
        self.content = bytearray()
        self.text = Text(Masker(secrets), self._write)

    def _write(self, text: bytes, *, open_: bool) -> None:
        self.pieces.append(text)
        self.content += text if open_ else text + b"\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("one\n\ntwo", id="lines"),
        pytest.param("x" * MAX_TEXT + "\n\ny", id="a line of the limit"),
        pytest.param("\N{SNAKE}x" * MAX_TEXT + "\nend", id="a long line"),
        pytest.param("line\n" * MAX_TEXT, id="many lines"),
    ],
)
def test_records_carry_every_text_in_pieces_of_limited_size(text: str) -> None:
    written = WrittenText()

    sent = "".join(records(text)).encode()
    for record in sent.removesuffix(b"\n").split(b"\n"):
        kind, _, content = record.partition(b" ")
        assert len(content.decode()) <= MAX_TEXT
        take = {b">": written.text.end_line, b"+": written.text.add}[kind]
        take(content)

    assert f"{text}\n".encode() == written.content
    assert all(len(piece.decode()) <= PIECE for piece in written.pieces)


@pytest.mark.parametrize("at", EDGES)
def test_a_secret_at_the_edge_of_a_piece_is_masked(at: int) -> None:
    written = WrittenText(SECRET)
    line = ("." * at + SECRET + "." * PIECE).encode()

    for start in range(0, len(line), 70_001):
        written.text.feed(line[start : start + 70_001])
    written.text.close()

    assert b"." * at + b"********" + b"." * PIECE + b"\n" == written.content
    for piece in written.pieces:
        piece.decode()


@pytest.mark.parametrize("cut", range(len(SECRET.encode()) + 1))
def test_a_secret_at_the_end_of_an_open_event_is_masked(cut: int) -> None:
    written = WrittenText(SECRET)
    secret = SECRET.encode()
    whole = b"." * 900 + secret

    first = written.text.continue_after(whole[: 900 + cut])
    written.text.add(whole[900 + cut :])
    written.text.close()

    assert b"s3c" not in first
    assert b"." * 900 + b"********\n" == first + bytes(written.content)


def test_a_forked_process_that_exits_does_not_send_the_open_line_again() -> None:
    """A callback plugin may fork, and the exit of each process closes the channel."""
    script = (
        "import atexit, os; from app.runner.callback.channel import Channel\n"
        "channel = Channel(1); atexit.register(channel.close)\n"
        "channel.text('no end')\n"
        "if child := os.fork(): os.waitpid(child, 0)\n"
    )

    sent = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True
    )

    assert b"> no end\n" == sent.stdout
