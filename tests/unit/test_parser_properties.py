"""Properties of the parsers: any input has a result, and no part of it is lost."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.diff import MAX_SHOWN, DiffKind, diff_lines
from app.domain.events import (
    JournalEvent,
    Output,
    RunnerEvent,
    StepReported,
    StepState,
    TaskResult,
)
from app.domain.steps import Steps, declare
from app.domain.task_result import message, read
from app.runner.masking import MASK, Masker
from app.web.terminal import marked, plain, spans
from app.worker import journal
from app.worker.journal import JournalReader
from app.worker.translate import translate
from testing.factories import NOW, make_runner_line, make_step_line, make_task

SECRET = "s3cr3t-k3y"
#: The length of a line beyond which the reader takes it in pieces; 2 MiB in production.
SHORT_LINE = 64

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner)
    ),
    max_leaves=8,
)
LINES = st.one_of(
    st.binary(max_size=150).map(lambda line: line.replace(b"\n", b"")),
    st.sampled_from([make_runner_line(), make_step_line(), b"", b"{}"]),
)
#: Text around a secret, none of which is a spelling of a part of it. Without any, two
#: secrets in a row have one mask.
AROUND = st.text("ab \n", min_size=1, max_size=80)
#: What may interrupt a secret: nothing, or the sequences of a terminal.
BETWEEN = st.sampled_from(["", "\x1b[m", "\x1b[01;31m\x1b[K", "\x1b(B\x1b[m"])
#: The sizes of the pieces in which a journal is written.
SIZES = st.lists(st.integers(1, 90), min_size=1, max_size=8)


def written(content: bytes, sizes: Sequence[int], masker: Masker) -> bytes:
    """Write a journal in pieces, read it after each one, and return what was read."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "MAX_LINE", SHORT_LINE)
        path = Path(folder, "journal")
        path.touch()
        reader = JournalReader(path, 0, masker)
        events: list[JournalEvent] = []
        with path.open("ab", buffering=0) as file:
            for piece in pieces(content, sizes):
                file.write(piece)
                events += read_all(reader, ended=False)
        events += read_all(reader, ended=True)
        reader.close()
    return b"".join(map(printed, events))


def pieces(content: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """Split the content into pieces of these sizes, which are repeated."""
    begin = turn = 0
    while begin < len(content):
        size = sizes[turn % len(sizes)]
        yield content[begin : begin + size]
        begin, turn = begin + size, turn + 1


def read_all(reader: JournalReader, *, ended: bool) -> list[JournalEvent]:
    batches = iter(lambda: reader.read(ended=ended), None)
    return [event for batch in batches for event in batch.events]


def printed(event: JournalEvent) -> bytes:
    """Return the bytes of the journal that an event stands for."""
    match event:
        case Output(text, raw, open_):
            return (text.encode() if raw is None else raw) + b"\n" * (not open_)
        case StepReported():
            return event.line.encode() + b"\n" * (not event.open)
        case RunnerEvent():
            return event.data.encode() + b"\n"
    raise AssertionError(event)


# The journal


@given(st.lists(LINES, max_size=5), SIZES)
def test_every_byte_of_a_journal_is_in_one_event_however_it_is_written(
    lines: list[bytes], sizes: list[int]
) -> None:
    content = b"\n".join(lines)

    assert content.removesuffix(b"\n") == written(
        content, sizes, Masker([])
    ).removesuffix(b"\n")


@given(
    st.lists(AROUND, min_size=2, max_size=4), BETWEEN, st.integers(1, len(SECRET) - 1),
    SIZES,
)  # fmt: skip
def test_a_secret_is_masked_however_its_journal_is_written(
    around: list[str], between: str, at: int, sizes: list[int]
) -> None:
    content = f"{SECRET[:at]}{between}{SECRET[at:]}".join(around)

    found = written(content.encode(), sizes, Masker([SECRET])).decode()

    expected = f"{MASK}{between}".join(around)
    assert expected.removesuffix("\n") == found.removesuffix("\n")


@given(LINES, st.booleans())
def test_any_line_has_an_event_with_all_of_its_bytes(
    line: bytes,
    script: bool,  # noqa: FBT001 - Hypothesis passes it by position
) -> None:
    assert line == printed(translate(line, script=script)).removesuffix(b"\n")


# Steps

_NAMES = st.sampled_from(["prepare", "install", "verify", "other", "", "x" * 300])
_STEP_EVENTS = st.one_of(
    st.builds(
        StepReported, _NAMES, st.sampled_from(StepState), st.text(max_size=5),
        st.just("{}"),
    ),
    st.builds(
        make_task, _NAMES.map(lambda name: f"{name} | task"),
        st.none() | st.sampled_from(TaskResult), host=st.sampled_from(["a", "b"]),
    ),
)  # fmt: skip


@given(st.lists(_STEP_EVENTS, max_size=12))
def test_the_steps_of_any_events_keep_their_order_and_their_times(
    events: list[JournalEvent],
) -> None:
    steps = Steps(declare(["prepare", "install", "verify"]))

    positions = [
        steps.apply(event, NOW + timedelta(seconds=n)) for n, event in enumerate(events)
    ]

    found = list(steps)
    assert ["prepare", "install", "verify"] == [step.name for step in found[:3]]
    assert list(range(1, len(found) + 1)) == [step.position for step in found]
    assert {p for p in positions if p} <= {step.position for step in found}
    for step in found:
        if step.started_at and step.finished_at:
            assert step.started_at <= step.finished_at


# The results of tasks


@given(JSON)
def test_any_event_of_a_task_can_be_shown(value: object) -> None:
    for data in (value, {"event_data": value}, {"event_data": {"res": value}}):
        text = json.dumps(data)

        assert message(text) is not None
        assert read(text).items is not None


@given(JSON)
def test_any_diff_can_be_shown(value: object) -> None:
    for diff in (
        value,
        [value],
        {"before": value, "after": value},
        {"prepared": value},
    ):
        assert len(diff_lines(diff)) <= MAX_SHOWN + 1


#: Also what looks like the header of a diff behind its sign.
_LINE = st.text("ab-+@ ", max_size=4)


@given(st.lists(_LINE, max_size=9), st.lists(_LINE, max_size=9))
def test_a_diff_shows_each_line_that_is_new_or_gone(
    before: list[str], after: list[str]
) -> None:
    found = diff_lines({"before": _text(before), "after": _text(after)})

    for kind, lines in (
        (DiffKind.REMOVED, set(before) - set(after)),
        (DiffKind.ADDED, set(after) - set(before)),
    ):
        assert lines <= {line.text[1:] for line in found if line.change is kind}


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


# Terminal sequences

_SEQUENCES = st.sampled_from(
    [
        "\x1b[31m",
        "\x1b[0m",
        "\x1b[38;5;196m",
        "\x1b]0;title\x07",
        "\x1b[2J",
        "\x1b",
        "\r",
    ]
)
_TERMINAL = st.lists(st.text(max_size=6) | _SEQUENCES).map("".join)


@given(_TERMINAL)
def test_any_output_becomes_text_without_control_characters(text: str) -> None:
    found = spans(text)

    shown = "".join(span.text for span in found)
    assert shown == plain(text)
    assert not [c for c in shown if ord(c) < 32 and c not in "\n\t"]
    assert not {"\x1b", "\x7f", "\x9b"} & set(shown)


@given(st.lists(st.tuples(st.text("abc <&", max_size=6), _SEQUENCES)))
def test_the_text_between_sequences_of_colours_is_kept(
    parts: list[tuple[str, str]],
) -> None:
    coloured = "".join(text + sequence for text, sequence in parts if "m" in sequence)

    assert "".join(t for t, sequence in parts if "m" in sequence) == plain(coloured)


@given(_TERMINAL, st.text("ab", min_size=1, max_size=2))
def test_marking_a_search_changes_no_text(text: str, wanted: str) -> None:
    found = marked(spans(text), wanted)

    assert plain(text) == "".join(span.text for span in found)
