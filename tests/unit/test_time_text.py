"""The times that people type."""

from datetime import UTC, datetime

import pytest

from app.domain.time_text import parse_time
from app.errors import Invalid

NOW = datetime(2026, 3, 1, 15, 30, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-02-03", "2026-02-03T00:00"),
        ("2026-02-03T04:05", "2026-02-03T04:05"),
        ("2026-02-03 04:05:06", "2026-02-03T04:05:06"),
        ("2026-02-03T04:05+02:00", "2026-02-03T02:05"),
        ("14:00", "2026-03-01T14:00"),
        ("9:05:07", "2026-03-01T09:05:07"),
        ("today", "2026-03-01T00:00"),
        ("Yesterday", "2026-02-28T00:00"),
        ("yesterday 14:00", "2026-02-28T14:00"),
        ("now", "2026-03-01T15:30:45"),
        ("45s", "2026-03-01T15:30"),
        ("30m", "2026-03-01T15:00:45"),
        ("2h ago", "2026-03-01T13:30:45"),
        ("1 day ago", "2026-02-28T15:30:45"),
        ("2 Days Ago", "2026-02-27T15:30:45"),
        (" 1w ", "2026-02-22T15:30:45"),
        ("999999 weeks ago", "1970-01-01T00:00"),
        ("99999d", "1970-01-01T00:00"),
    ],
)
def test_a_time_is_parsed(text: str, found: str) -> None:
    expected = datetime.fromisoformat(found).replace(tzinfo=UTC)

    assert expected == parse_time(text, NOW)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "24:00", "14:60", "2 months ago", "2", "ago", "-2h", "yesterday 2h",
     "1234567 days ago", "\u0664 days ago", "2026-02-30", "\0"],
)  # fmt: skip
def test_another_text_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Invalid, match=r"14:00, yesterday or 2 days ago"):
        parse_time(text, NOW)
