"""Escape sequences are removed from texts other than output."""

import pytest

from app.domain.escapes import strip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain [0m text", "plain [0m text"),
        ("\x1b[0;31m \x1b[0m", " "),
        ("\x1b[1;38;5;9mred\x1b[m", "red"),
        ("\x1b]0;title\x07said", "said"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2J\x1b[1;1Hhome", "home"),
        ("\x1b(Bcharset", "charset"),
        ("cut\x1b[0;3", "cut"),
        ("cut\x1b", "cut"),
    ],
)
def test_a_text_is_left_without_escape_sequences(text: str, expected: str) -> None:
    assert expected == strip(text)
