"""What a run printed becomes harmless text with the classes of its colours."""

import pytest

from app.web.terminal import MAX_ESCAPES, Span, marked, plain, spans


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("plain", [Span("plain")], id="plain"),
        pytest.param("\x1b[31mred", [Span("red", "ansi-fg-red")], id="colour"),
        pytest.param(
            "a\x1b[1;4;92mb\x1b[0mc",
            [Span("a"), Span("b", "ansi-bold ansi-underline ansi-fg-bright-green"),
             Span("c")],
            id="between-plain-texts",
        ),
        pytest.param(
            "\x1b[2;3;44mx", [Span("x", "ansi-dim ansi-italic ansi-bg-blue")],
            id="background",
        ),
        pytest.param("\x1b[38;5;196mx", [Span("x", "ansi-fg-red")], id="256"),
        pytest.param("\x1b[38;2;0;0;128mx", [Span("x", "ansi-fg-blue")], id="rgb"),
        pytest.param("\x1b[39;49mx", [Span("x")], id="default-colour"),
        pytest.param(
            "\x1b[31ma\nb", [Span("a", "ansi-fg-red"), Span("\n"), Span("b")],
            id="each-line-by-itself",
        ),
        pytest.param("a\r\nb", [Span("a\nb")], id="dos-line"),
        pytest.param(
            "\x1b[31mseen\rover", [Span("seen␍over", "ansi-fg-red")], id="return",
        ),
    ],
)  # fmt: skip
def test_colours_become_classes(text: str, expected: list[Span]) -> None:
    assert expected == spans(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("\x1b[2J\x1b[Hx", "x", id="clear-screen"),
        pytest.param("\x1b]0;title\x07x", "x", id="title"),
        pytest.param("\x1b]8;;http://e.org\x1b\\x\x1b]8;;\x1b\\", "x", id="link"),
        pytest.param("a\x1b]52;c;aGFja2Vk", "a", id="clipboard-unterminated"),
        pytest.param("\x1bP1$r\x1b\\x", "x", id="device-string"),
        pytest.param("\x1b[?1049hx", "x", id="other-screen"),
        pytest.param("\x1bcx", "x", id="reset"),
        pytest.param("\x1b(0x", "x", id="other-letters"),
        pytest.param("a\0b\x07", "a␀b␇", id="nul-and-bell"),
        pytest.param("\x7f\x9b31m", "\\u007f\\u009b31m", id="delete-and-c1"),
        pytest.param("a\u202egpj.exe", "a\\u202egpj.exe", id="right-to-left"),
        pytest.param("\u2066x\u2069\u200f", "\\u2066x\\u2069\\u200f", id="isolates"),
        pytest.param("a\tb", "a\tb", id="tab"),
        pytest.param("<script>&amp;", "<script>&amp;", id="html-is-left-to-jinja"),
    ],
)
def test_sequences_that_are_not_colours_have_no_effect(text: str, shown: str) -> None:
    assert shown == plain(text)


@pytest.mark.parametrize(
    "text",
    ["\x1b", "\x1b[", "\x1b[31", "a\x1b", "\x1b[999999999999m", "\x1b[;;;m",
     "\x1b[38;5;999mx", "\x1b[38;2;1mx", "\x1b[38;5mx", "\x1b[31\x1b[32mx"],
)  # fmt: skip
def test_what_is_cut_or_nonsense_does_no_harm(text: str) -> None:
    assert "\x1b" not in plain(text)


def test_a_line_full_of_colours_is_one_pass() -> None:
    """Each change of colour is looked at once, not with each other."""
    changes = MAX_ESCAPES // 2
    text = "\x1b[31mx\x1b[32my" * changes

    found = spans(text)

    assert 2 * changes == len(found)
    assert {"ansi-fg-red", "ansi-fg-green"} == {span.classes for span in found}


def test_a_text_of_nothing_but_colours_is_shown_without_any() -> None:
    text = "\x1b[31mx\x1b[32my" * MAX_ESCAPES

    assert [Span("xy" * MAX_ESCAPES)] == spans(text)


def test_what_is_looked_for_is_marked_across_colours() -> None:
    found = marked([Span("one Tw", "ansi-bold"), Span("o two")], "two")

    assert [
        Span("one ", "ansi-bold"), Span("Tw", "ansi-bold", hit=True),
        Span("o", hit=True), Span(" "), Span("two", hit=True),
    ] == found  # fmt: skip


def test_hits_that_touch_are_all_marked_and_nothing_is_lost() -> None:
    assert [Span("aa", hit=True), Span("aa", hit=True), Span("a")] == marked(
        [Span("aaaaa")], "aa"
    )
    assert [Span("a.b")] == marked([Span("a.b")], "a+")
    assert [Span("a")] == marked([Span("a")], "")
