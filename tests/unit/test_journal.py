"""Reading a journal: from any place, in pieces, without losing or doubling a byte."""

import json
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest

from app.domain.events import JournalEvent, Notice, Output, RunnerEvent, StepReported
from app.runner.masking import MASK, Masker
from app.worker.journal import BLOCK, MAX_LINES, Batch, JournalReader
from app.worker.translate import MAX_LINE
from testing.factories import make_runner_line, make_step_line

NOTHING = Masker([])
SECRET = "s3cret-" + "x" * 60
MIB = 1024 * 1024


def write(folder: Path, content: bytes) -> Path:
    path = folder / "journal"
    path.write_bytes(content)
    return path


def read_all(path: Path, offset: int = 0, masker: Masker = NOTHING) -> list[Batch]:
    """Read a journal whose run has ended."""
    journal = JournalReader(path, offset, masker)
    try:
        return list(iter(lambda: journal.read(ended=True), None))
    finally:
        journal.close()


def events_of(batches: Iterable[Batch]) -> list[JournalEvent]:
    return [event for batch in batches for event in batch.events]


def printed(events: Iterable[JournalEvent]) -> bytes:
    """What was printed, put together as the store does it."""
    content = b""
    for event in events:
        match event:
            case Output(text, raw, open_):
                content += (text.encode() if raw is None else raw) + (
                    b"" if open_ else b"\n"
                )
            case StepReported():
                content += event.line.encode() + b"\n"
            case RunnerEvent():
                content += event.data.encode() + b"\n"
    return content


CONTENTS = {
    "empty": b"",
    "newlines": b"\n\n\n",
    "lines": b"one\ntwo\nthree\n",
    "no-last-newline": b"one\ntwo",
    "three-kinds": make_runner_line() + b"\n" + make_step_line() + b"\ntext\n",
    "bytes": b"\xff\xfe\0\n\x80\n" + "größe ✓\n".encode(),
    "many": b"".join(b"line %d\n" % n for n in range(2 * MAX_LINES + 3)),
    "one-batch": b"x\n" * MAX_LINES,
    "longest-line": b"x" * MAX_LINE + b"\nnext\n",
    "too-long-line": b"x" * (MAX_LINE + 1) + b"\nnext\n",
    "long-line": b"a\n" + b"0123456789" * MIB + b"\nb\n",
    "long-line-in-the-end": b"0123456789" * (MIB // 2),
    "long-line-of-pieces": b"x" * (2 * MAX_LINE) + b"\n",
    "long-utf-8": "é✓😀".encode() * (MIB // 2) + b"\n",
    "long-no-utf-8": b"\x80" * (3 * MIB) + b"\nb\n",
    "step-behind-a-piece": b"x" * MAX_LINE + make_step_line() + b"\n",
    "two-long-lines": (b"x" * (MAX_LINE + 9) + b"\n") * 2,
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_every_byte_is_in_the_events_once(tmp_path: Path, content: bytes) -> None:
    batches = read_all(write(tmp_path, content))

    whole = printed(events_of(batches))
    assert content.removesuffix(b"\n") == whole.removesuffix(b"\n")
    assert len(content) == (batches[-1].offset if batches else 0)
    assert all(0 < len(batch.events) <= MAX_LINES for batch in batches)


@pytest.mark.parametrize("secret", [None, SECRET], ids=["open", "masked"])
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_reading_can_begin_again_at_the_end_of_every_batch(
    tmp_path: Path, content: bytes, secret: str | None
) -> None:
    path = write(tmp_path, content.replace(b"line 7\n", SECRET.encode() + b"\n"))
    masker = Masker([secret])
    at_once = events_of(read_all(path, masker=masker))

    in_turns: list[JournalEvent] = []
    offset = 0
    while True:
        journal = JournalReader(path, offset, masker)
        batch = journal.read(ended=True)
        journal.close()
        if batch is None:
            break
        assert batch.offset > offset
        in_turns += batch.events
        offset = batch.offset

    assert at_once == in_turns


def test_a_journal_that_grows_gives_whole_lines_only(tmp_path: Path) -> None:
    path = write(tmp_path, b"")
    journal = JournalReader(path, 0, NOTHING)
    found = []
    with path.open("ab", buffering=0) as file:
        for piece in (b"on", b"e\ntw", b"o\n", b"", b"\xc3", b"\xa4\n", b"last"):
            file.write(piece)
            batch = journal.read()
            found.append(None if batch is None else (batch.events, batch.offset))

    last = journal.read(ended=True)
    assert [
        None,
        ([Output("one")], 4),
        ([Output("two")], 8),
        None,
        None,
        ([Output("ä")], 11),
        None,
    ] == found
    assert Batch([Output("last", open=True)], [15]) == last
    assert journal.read(ended=True) is None
    journal.close()


def test_a_line_of_20_mib_comes_in_pieces(tmp_path: Path) -> None:
    line = bytes(range(ord("!"), ord("~"))) * (20 * MIB // 93)

    events = events_of(read_all(write(tmp_path, line + b"\n")))

    assert len(events) > 5
    assert all(isinstance(event, Output) for event in events)
    assert line + b"\n" == printed(events)


def test_a_piece_of_a_line_is_never_a_step(tmp_path: Path) -> None:
    step = make_step_line()
    content = b"x" * MAX_LINE + step + b"\n" + step + b"\n"

    events = events_of(read_all(write(tmp_path, content)))

    assert [Output, Output, StepReported] == [type(event) for event in events]


def test_no_character_is_cut_in_two(tmp_path: Path) -> None:
    # Beginning at each of four places, one of the characters lies across the cut.
    for before in range(4):
        line = b"x" * before + "😀".encode() * (MAX_LINE // 4 + 10) + b"\n"

        events = events_of(read_all(write(tmp_path, line)))

        assert [None, None] == [e.raw for e in events if isinstance(e, Output)]
        assert line == printed(events)


@pytest.mark.parametrize("before", [0, 1, 30, len(SECRET) - 1, len(SECRET)])
def test_a_secret_across_two_pieces_is_masked(tmp_path: Path, before: int) -> None:
    """However much of it lies before the place where a piece would end."""
    filler = b"." * (MAX_LINE - before)
    content = filler + SECRET.encode() + b"." * MAX_LINE + b"\n"

    events = events_of(read_all(write(tmp_path, content), masker=Masker([SECRET])))

    assert content.replace(SECRET.encode(), MASK.encode()) == printed(events)


@pytest.mark.parametrize("more", range(len(SECRET) + 2))
def test_a_line_a_little_longer_than_a_piece_is_read(tmp_path: Path, more: int) -> None:
    """Also where the rest of the file is shorter than a secret."""
    content = b"x" * (MAX_LINE + more) + b"\n"

    events = events_of(read_all(write(tmp_path, content), masker=Masker([SECRET])))

    assert content == printed(events)


def test_a_secret_is_masked_in_every_kind_of_line(tmp_path: Path) -> None:
    content = (
        f"key {SECRET}\n".encode()
        + json.dumps({"name": "a", "state": "running", "message": SECRET}).encode()
        + b"\n"
        + make_runner_line(stdout=SECRET)
        + b"\n"
    )

    events = events_of(read_all(write(tmp_path, content), masker=Masker([SECRET])))

    assert [Output, StepReported, RunnerEvent] == [type(event) for event in events]
    assert SECRET not in repr(events)


def test_memory_does_not_grow_with_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with path.open("wb") as file:
        file.truncate(128 * MIB)  # NUL bytes: one line that never ends

    journal = JournalReader(path, 0, NOTHING)
    tracemalloc.start()
    length = 0
    while (batch := journal.read(ended=True)) is not None:
        (event,) = batch.events
        assert isinstance(event, Output)
        assert event.raw is not None
        length += len(event.raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    journal.close()

    assert 128 * MIB == length
    assert peak < 12 * (MAX_LINE + BLOCK)


def test_a_journal_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        JournalReader(tmp_path / "journal", 0, NOTHING)


def test_a_journal_that_was_truncated_is_read_on_with_a_notice(tmp_path: Path) -> None:
    path = write(tmp_path, b"one\ntwo\nthree\n")
    journal = JournalReader(path, 0, NOTHING)
    journal.read()
    with path.open("ab", buffering=0) as file:
        file.truncate(0)
        file.write(b"four\n")
        found = [journal.read(), journal.read(), journal.read()]
    journal.close()

    notice, rest, nothing = found
    assert notice is not None
    [event] = notice.events
    assert isinstance(event, Notice)
    assert "from at least 14 to 5 bytes" in event.text
    assert 0 == notice.offset
    assert Batch([Output("four")], [5]) == rest
    assert nothing is None
