"""Filters of the templates, and events as lines."""

from datetime import datetime, timedelta, timezone

import pytest

from app.domain.events import EventKind
from app.store.events import Event
from app.web.render import ago, duration, lines, moment, size, value_text
from app.web.terminal import SHOWN_LINE, Span
from testing.factories import NOW


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, ""), (-3.0, "0.0 s"), (0.44, "0.4 s"), (12.3, "12 s"), (59.6, "1 min 0 s"),
     (200.0, "3 min 20 s"), (7500.0, "2 h 5 min"), (90_000.0, "25 h 0 min")],
)  # fmt: skip
def test_a_duration_is_for_people(seconds: float | None, expected: str) -> None:
    assert expected == duration(seconds)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (999, "999 B"), (3400, "3.4 kB"), (12_000_000, "12 MB"),
     (5_500_000_000_000, "5500 GB")],
)  # fmt: skip
def test_a_size_is_for_people(count: int, expected: str) -> None:
    assert expected == size(count)


@pytest.mark.parametrize("hours", [0, 2, -7])
def test_a_moment_is_in_utc(hours: int) -> None:
    at: datetime = NOW.astimezone(timezone(timedelta(hours=hours)))

    assert "2026-05-04 13:37:00 UTC" == moment(at)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "just now"), (59, "just now"), (60, "1 min ago"), (3599, "59 min ago"),
     (3600, "1 h ago"), (86_399, "23 h ago"), (86_400, "yesterday"),
     (172_800, "2 days ago")],
)  # fmt: skip
def test_how_long_ago_it_was_is_for_people(seconds: int, expected: str) -> None:
    assert expected == ago(NOW - timedelta(seconds=seconds), NOW)


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


def test_a_value_is_shown_as_it_is_written_and_not_as_for_scripts() -> None:
    assert '{"city": "Zürich <b>"}' == value_text({"city": "Zürich <b>"})
    assert "Zürich <b>" == value_text("Zürich <b>")
