"""Known secret values reach nothing that is kept or shown."""

import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from app.runner.masking import MASK, MIN_LENGTH, Masker

SECRET = 'pä"ss\\wört\t1'


def test_a_secret_is_masked_wherever_it_stands() -> None:
    masker = Masker(["hunter2"])

    assert b"a********b ********" == masker.text(b"ahunter2b hunter2")


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(SECRET))[1:-1],
        json.dumps(json.dumps(json.dumps(json.dumps(SECRET)))),
        quote(SECRET),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"user:{SECRET} ".encode()).decode(),
        base64.urlsafe_b64encode(f"u{SECRET}".encode()).decode(),
    ],
    ids=["plain", "json-ascii", "json", "json-in-json", "json-four-times", "url",
         "form", "base64", "base64-behind-a-name", "base64-for-urls"],
)  # fmt: skip
def test_a_secret_is_masked_in_every_form_that_it_is_written_in(written: str) -> None:
    masker = Masker([SECRET])
    masked = masker.text(f"x {written} y".encode())

    assert MASK.encode() in masked
    # What base64 makes of a text's ends depends on what stands around it.
    assert len(re.findall(rb"\w", masked)) < 16, masked
    assert masked.startswith(b"x ")
    assert masked.endswith(b" y")
    assert len(written.encode()) <= masker.longest
    assert {"a": masked.decode()} == masker.values({"a": f"x {written} y"})


def test_of_secrets_within_each_other_the_longest_is_masked() -> None:
    masker = Masker(["hunter", "hunter2-long"])

    assert b"******** ********" == masker.text(b"hunter2-long hunter")


def test_secrets_that_overlap_are_masked_as_one() -> None:
    masker = Masker(["first-shared", "shared-second"])

    assert b"a ******** b" == masker.text(b"a first-shared-second b")
    assert {"a": MASK} == masker.values({"a": "first-shared-second"})


def test_no_cut_goes_through_secrets_that_overlap() -> None:
    masker = Masker(["first-shared", "shared-second"])

    assert 2 == masker.safe_cut(b"a first-shared-second b", 16)
    # Without an end to them, the piece before the cut must not be empty.
    assert 16 == Masker(["aaaa"]).safe_cut(b"a" * 100, 16)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        pytest.param(["first-one", {"a": "second"}], "second", id="inside-json"),
        pytest.param(123456, "123456", id="number"),
        pytest.param("-----BEGIN\n  key-line\n-----END", "key-line", id="a-line-of-it"),
        pytest.param("  spaced  ", "spaced", id="without-blanks"),
    ],
)
def test_every_text_in_a_secret_value_is_a_secret(value: object, printed: str) -> None:
    assert MASK.encode() == Masker([value]).text(printed.encode())


@pytest.mark.parametrize("value", ["", "abc", True, None, 1, {}, []])
def test_what_is_too_short_or_no_text_masks_nothing(value: object) -> None:
    masker = Masker([value])

    assert b"abc True None 1 {} []" == masker.text(b"abc True None 1 {} []")
    assert 0 == masker.longest
    assert 4 == MIN_LENGTH


def test_without_secrets_bytes_stay_as_they_are() -> None:
    content = b"\xff\0 any bytes"

    assert content == Masker([]).text(content)
    assert content == Masker([]).line(content)
    assert 3 == Masker([]).safe_cut(content, 3)


def test_a_masked_line_stays_the_object_that_it_was() -> None:
    line = (
        b'{"name": "deploy with 1234", "state": "running", "counter": 1234, "n": 1234}'
    )

    assert {
        "name": f"deploy with {MASK}",
        "state": "running",
        "counter": 1234,
        "n": MASK,
    } == json.loads(Masker(["1234", "running"]).line(line))


@pytest.mark.parametrize(
    "line",
    [
        b"key=hunter2 \xff",
        b'{"cut": "hunter2',
        b'["hunter2"]',
        b"{" * 9000 + b"hunter2",
    ],
)
def test_a_line_that_is_no_object_is_masked_as_text(line: bytes) -> None:
    assert line.replace(b"hunter2", MASK.encode()) == Masker(["hunter2"]).line(line)


@pytest.mark.parametrize(
    ("at", "expected"),
    [(0, 0), (4, 4), (5, 4), (10, 4), (11, 11), (12, 12)],
    ids=["begin", "before", "inside-first", "inside-last", "behind", "later"],
)
def test_a_safe_cut_goes_through_no_secret(at: int, expected: int) -> None:
    assert expected == Masker(["hunter2"]).safe_cut(b"the hunter2 of the", at)
