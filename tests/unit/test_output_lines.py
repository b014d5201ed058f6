"""Events as lines of output."""

from app.domain.events import EventKind
from app.store.events import Event
from app.web.output_lines import lines
from app.web.terminal import SHOWN_LINE, Span
from testing.factories import NOW


def make_event(kind: EventKind, text: str = "", *, cut: bool = False) -> Event:
    return Event(1, NOW, kind, "verify", 2, "web1", "", "running", text, cut, False)


def test_only_output_is_a_line_if_its_text_is_empty() -> None:
    quiet = [
        make_event(EventKind.RUNNER),
        make_event(EventKind.STATUS),
        make_event(EventKind.OUTPUT),
    ]

    assert [EventKind.OUTPUT] == [line.kind for line in lines(quiet)]


def test_a_step_is_a_line_with_its_state() -> None:
    (with_message, without) = lines(
        [make_event(EventKind.STEP, "no answer"), make_event(EventKind.STEP)]
    )

    assert [Span("verify: running — no answer")] == with_message.spans
    assert [Span("verify: running")] == without.spans


def test_a_long_line_is_cut_and_says_so() -> None:
    (long, cut, short) = lines(
        [
            make_event(EventKind.OUTPUT, "x" * (SHOWN_LINE + 1)),
            make_event(EventKind.OUTPUT, "x", cut=True),
            make_event(EventKind.OUTPUT, "x" * SHOWN_LINE),
        ]
    )

    assert [True, True, False] == [long.cut, cut.cut, short.cut]
    assert [Span("x" * SHOWN_LINE)] == long.spans


def test_the_last_newline_of_a_text_makes_no_empty_line() -> None:
    (line,) = lines([make_event(EventKind.RUNNER, "ok: [web1]\n\n")])

    assert [Span("ok: [web1]")] == line.spans
