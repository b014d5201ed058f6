"""Known secret values reach nothing that is kept or shown."""

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.runner.masking import MASK, Masker
from app.runner.secret_values import MIN_LENGTH


def test_a_secret_is_masked_wherever_it_stands() -> None:
    masker = Masker(["hunter2"])

    assert b"a********b ********" == masker.text(b"ahunter2b hunter2")


@pytest.mark.parametrize(
    "secret", ['tok"en"', "tok\\en\\", "tok'\\\\", "'token'", '"\\tok"\'']
)
@pytest.mark.parametrize("levels", range(4))
def test_json_around_a_secret_that_ends_with_quotes_stays_json(
    secret: str, levels: int
) -> None:
    content = json.dumps({"inner": secret, "other": f"a{secret}b"})
    expected = json.dumps({"inner": MASK, "other": f"a{MASK}b"})
    for _ in range(levels):
        content, expected = json.dumps(content), json.dumps(expected)

    assert expected.encode() == Masker([secret]).text(content.encode())


def test_of_secrets_within_each_other_the_longest_is_masked() -> None:
    masker = Masker(["hunter", "hunter2-long"])

    assert b"******** ********" == masker.text(b"hunter2-long hunter")


def test_secrets_that_overlap_are_masked_as_one() -> None:
    masker = Masker(["first-shared", "shared-second"])

    assert b"a ******** b" == masker.text(b"a first-shared-second b")
    assert {"a": MASK} == masker.value({"a": "first-shared-second"})


def test_secrets_beside_each_other_have_a_mask_each() -> None:
    masker = Masker(['s3cr3t-"quoted"\\back', "abcab", "first", "second"])

    for printed in ('s3cr3t-"quoted"\\back' * 2, "abcab" * 2, "firstsecond"):
        assert f"a {MASK}{MASK} b".encode() == masker.text(f"a {printed} b".encode())
    assert f"a {MASK} b".encode() == masker.text(b"a abcabcab b")


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
    assert 3 == Masker([]).safe_cut(content, 3)


def test_what_holds_an_event_together_stays_unless_it_is_a_secret() -> None:
    masker = Masker(["1234", "runner_on_ok", "2026-05-04T13:37:00"])
    event = {
        "uuid": "12345678-1234-1234-1234-123456789012",
        "event": "runner_on_start",
        "counter": 1234,
        "created": "2026-05-04T13:37:00.123456+00:00",
        "stdout": "1234",
        "event_data": {"task": "task 1234", "start": "hunter 1234", "res": {"n": 1234}},
    }

    assert {
        **event,
        "stdout": MASK,
        "event_data": {"task": f"task {MASK}", "start": f"hunter {MASK}",
                       "res": {"n": MASK}},
    } == masker.event(event)  # fmt: skip
    assert MASK == masker.event({"event": "runner_on_ok"})["event"]


@pytest.mark.parametrize(
    "name",
    ["event", "status", "state", "uuid", "start", "end", "created", "duration", "pid"],
)
def test_no_name_of_a_field_hides_a_secret(name: str) -> None:
    masker = Masker(["hunter2", "90125.50"])

    assert {name: MASK} == masker.value({name: "hunter2"})
    assert MASK == masker.event({name: "hunter2"})[name]
    assert f'{{"{name}":"{MASK}"}}'.encode() == masker.text(
        f'{{"{name}":"hunter2"}}'.encode()
    )
    assert {name: MASK} == masker.value({name: 90125.5})


@pytest.mark.parametrize("value", [["hunter2"], {"a": "hunter2"}, 90125.5])
def test_a_field_for_a_number_hides_no_other_value(value: object) -> None:
    masked = Masker(["hunter2", "90125.50"]).event(
        {"counter": value, "event_data": {"pid": value}}
    )

    assert "hunter2" not in str(masked)
    assert "90125" not in str(masked)


@pytest.mark.parametrize("run", ["\\", "'", "%25", "\\ud83d" + "\\" * 9])
def test_no_long_run_is_kept_in_memory(run: str) -> None:
    content = f"hunter2 {run * 100_000}\\ude00".encode()
    masker = Masker(["hunter2"])
    tracemalloc.start()

    masker.text(content)

    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < len(content) / 2


def test_a_key_can_be_a_secret_and_no_entry_is_lost() -> None:
    masker = Masker(["first-one", "second"])

    assert {MASK: 1, f"{MASK}*": 2} == masker.value({"first-one": 1, "second": 2})
    assert {MASK: 1, "event_data": {MASK: 2}} == masker.event(
        {"first-one": 1, "event_data": {"second": 2}}
    )


@pytest.mark.parametrize("secret", ["90125.50", "9.01255e4", "090125.5"])
def test_a_number_is_masked_however_it_is_written(secret: str) -> None:
    masker = Masker([secret])

    assert [MASK, 90125, 0, True] == masker.value([90125.5, 90125, 0, True])
    assert b'{"amount": ********}' == masker.text(b'{"amount": 90125.5}')


@pytest.mark.parametrize("secret", ["0000", "1.00", "inf", "nan1", "1e999"])
def test_a_number_that_is_short_masks_no_other(secret: str) -> None:
    values = [0, 1, 1.0, 10, 3.14]

    assert values == Masker([secret]).value(values)


@pytest.mark.parametrize(
    ("at", "expected"),
    [(0, 0), (4, 4), (5, 4), (10, 4), (11, 11), (12, 12)],
    ids=["begin", "before", "inside-first", "inside-last", "behind", "later"],
)
def test_a_safe_cut_goes_through_no_secret(at: int, expected: int) -> None:
    assert expected == Masker(["hunter2"]).safe_cut(b"the hunter2 of the", at)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
HARD = st.text("ab\\'\"%&nu0\n\t ä+", max_size=20)


@given(st.lists(st.one_of(TEXTS, HARD), max_size=3), st.one_of(TEXTS, HARD))
def test_masking_is_total_and_leaves_no_literal_secret(
    secrets: list[str], text: str
) -> None:
    masker = Masker(secrets)
    content = text.join(["", *secrets, ""]).encode()

    masked = masker.text(content)

    for secret in secrets:
        if len(secret) >= MIN_LENGTH and secret.strip("*"):
            assert secret.encode() not in masked
    assert 0 <= masker.safe_cut(content, len(content) // 2) <= len(content)


@pytest.mark.parametrize(
    "secret",
    ["a" * 3000, "\\" * 300, '\\"' * 200, "ab" * 500 + "c"],
    ids=["letter", "backslashes", "quotes", "pairs"],
)
@pytest.mark.parametrize("piece", ["a", "\\", '\\"', "ab", "%25", "\\ud83d"])
def test_masking_takes_linear_time(secret: str, piece: str) -> None:
    masker = Masker([secret])

    def seconds_per_byte(length: int) -> float:
        content = (piece * length)[:length].encode()
        taken = []
        for _ in range(3):
            begin = time.thread_time()
            masker.text(content)
            taken.append(time.thread_time() - begin)
        # Work that is done once for each line is ignored.
        return max(min(taken), 0.001) / length

    assert seconds_per_byte(100_000) <= 3 * seconds_per_byte(20_000)
