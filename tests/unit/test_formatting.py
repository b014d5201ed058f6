"""Durations, times, sizes and values as the pages show them."""

from datetime import datetime, timedelta, timezone

import pytest

from app.web.formatting import ago, brief_reason, duration, moment, size, value_text
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


def test_a_value_is_shown_as_it_is_written_and_not_as_for_scripts() -> None:
    assert '{"city": "Zürich <b>"}' == value_text({"city": "Zürich <b>"})
    assert "Zürich <b>" == value_text("Zürich <b>")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("exit code 2 in step Copy: No space left\non web1", "Copy: No space left"),
        ("exit code 3", "exit code 3"),
        ("canceled by ada", "canceled by ada"),
        ("", ""),
    ],
)
def test_a_row_shows_the_step_and_why_it_failed(reason: str, expected: str) -> None:
    assert expected == brief_reason(reason)
