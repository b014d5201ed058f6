"""A secret is masked in every form, at every place, whatever stands around it."""

import base64
import html
import itertools
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.runner.masking import MASK, Masker
from app.runner.plaintext_values import secret_values

SECRET = 'pä"ss\\wört\t1'


def of_launch_variables(secret: str) -> Masker:
    return Masker([{"any": [secret]}])


def of_a_vaulted_file(secret: str) -> Masker:
    masker = Masker([])
    # JSON is YAML too, and both are found in a file of variables.
    for value in secret_values(json.dumps({"deep": [{"password": secret}]}).encode()):
        masker.add(value)
    return masker


def of_a_vaulted_text(secret: str) -> Masker:
    masker = Masker(["another"])
    for value in secret_values(secret.encode()):
        masker.add(value)
    return masker


SOURCES = {
    "variables": of_launch_variables,
    "sops": lambda secret: Masker([{"db": {"password": secret}}]),
    "vaulted-file": of_a_vaulted_file,
    "vaulted-text": of_a_vaulted_text,
    "credential": lambda secret: Masker(
        [{"private_key": f"first\n{secret}\n"}, secret]
    ),
}
ENCODINGS = {
    "plain": SECRET,
    "json-ascii": json.dumps(SECRET)[1:-1],
    "json": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "json-in-json": json.dumps(json.dumps(SECRET))[1:-1],
    "json-four-times": json.dumps(json.dumps(json.dumps(json.dumps(SECRET)))),
    "url": quote(SECRET),
    "form": quote_plus(SECRET),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64-behind-a-name": base64.b64encode(f"user:{SECRET} ".encode()).decode(),
    "base64-for-urls": base64.urlsafe_b64encode(f"u{SECRET}".encode()).decode(),
    "url-lower-case": quote(quote(SECRET)).lower(),
    "html": html.escape(SECRET),
    "html-by-number": "&#112;&#xe4;&#34;ss\\w&#246;rt&#9;1",
    "repr": repr(SECRET),
    "bytes": repr(SECRET.encode()),
    "hexadecimal": SECRET.encode().hex(),
    "latin-1": SECRET.replace("ä", "\\xe4").replace("ö", "\\xF6"),
    "with-colours": f"{SECRET[:5]}\x1b[01;31m\x1b[K{SECRET[5:]}\x1b[m\x1b[K",
    "with-colours-in-json": json.dumps(f"{SECRET[:5]}\x1b[31m{SECRET[5:]}\x1b[m")[1:-1],
}
#: Where the text of an event can be; and what a line of output is.
PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "stdout": lambda text: {"stdout": text},
    "result": lambda text: {"event_data": {"res": {"results": [{"msg": text}]}}},
    "key": lambda text: {"event_data": {"res": {text: 1}}},
    "diff": lambda text: {"event_data": {"diff": [{"after": f"a={text}\n"}]}},
    "task": lambda text: {"event_data": {"task": text, "name": text}},
    "arguments": lambda text: {"event_data": {"task_args": f"cmd={text}"}},
}


@pytest.mark.parametrize("written", ENCODINGS.values(), ids=ENCODINGS.keys())
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_a_secret_of_any_source_is_masked_in_every_form_that_it_is_written_in(
    source: Callable[[str], Masker], written: str
) -> None:
    masker = source(SECRET)
    masked = masker.text(f"x {written} y".encode())

    assert MASK.encode() in masked
    # What base64 makes of a text's ends depends on what stands around it.
    letters = re.sub(rb"(\x1b|\\u001b)\[[0-9;]*[mK]", b"", masked)
    assert len(re.findall(rb"\w", letters)) < 16, masked
    assert masked.startswith(b"x ")
    assert masked.endswith(b" y")
    if "%25" not in written:
        assert len(written.encode()) <= masker.longest


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("written", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_secret_is_masked_in_every_place_of_an_event(
    written: str, place: Callable[[str], dict[str, Any]]
) -> None:
    masker = of_launch_variables(SECRET)
    text = f"x {written} y"
    masked = masker.text(text.encode()).decode()

    event = {"uuid": "1", "event_data": {}} | place(text)

    assert masker.finds(json.dumps(event, ensure_ascii=False).encode())
    assert {"uuid": "1", "event_data": {}} | place(masked) == masker.event(event)


def _nested(text: str) -> str:
    return json.dumps(json.dumps(json.dumps(text)))


WRITERS: list[Callable[[str], str]] = [
    str,
    json.dumps,
    _nested,
    quote,
    quote_plus,
    html.escape,
    lambda text: quote(json.dumps(text)),
    lambda text: json.dumps(html.escape(text)),
    lambda text: repr(text.encode()),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
HARD = st.text("ab\\'\"%&nu0\n\t ä+", max_size=20)
#: What may stand before a secret: nothing that takes its beginning for its own end.
BEFORE = st.text("ab \\'\"\nä", max_size=5)


@given(st.one_of(TEXTS, HARD), BEFORE, st.one_of(TEXTS, HARD), st.sampled_from(WRITERS))
def test_no_secret_is_left_whatever_stands_around_it(
    secret: str, before: str, behind: str, write: Callable[[str], str]
) -> None:
    secret = f"{secret}-k3y-"
    masker = Masker([secret])

    masked = masker.text(write(before + secret + behind).encode())

    assert b"k3y" not in masked
    assert MASK.encode() in masked


#: What terminals take for commands; programs write them anywhere in a text.
SEQUENCES = st.sampled_from([
    "\x1b[0m", "\x1b[01;31m\x1b[K", "\x1b[m\x1b[K", "\x1b[38;5;208m", "\x1b(B\x1b[m",
    "\x1b]8;;https://example.org/a?b=c&d\x1b\\", "\x1b]0;title\x07", "\x1b[?25l",
])  # fmt: skip
#: Secrets without letters that are around them.
DISTINCT = st.text("kqzKQZ089-_\"'\\%&+ üß\N{SNAKE}", max_size=20).map("kq{}qk".format)
PLAIN = st.lists(st.one_of(st.sampled_from("ab \n"), SEQUENCES), max_size=6).map(
    "".join
)
JSON: list[Callable[[str], str]] = [
    str,
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: json.dumps(json.dumps(text))[1:-1],
]


@given(
    st.lists(st.tuples(DISTINCT, st.lists(SEQUENCES, max_size=4), PLAIN), max_size=3),
    PLAIN, st.sampled_from(JSON), st.randoms(use_true_random=False),
)  # fmt: skip
def test_sequences_hide_no_secret_and_everything_else_is_kept(
    parts: list[tuple[str, list[str], str]],
    begin: str,
    write: Callable[[str], str],
    random: Random,
) -> None:
    content = expected = begin
    for secret, sequences, behind in parts:
        places = sorted(random.choices(range(1, len(secret)), k=len(sequences)))
        cuts = [0, *places, len(secret)]
        pieces = [secret[b:e] for b, e in itertools.pairwise(cuts)]
        content += "".join(map("".join, zip(pieces, [*sequences, "."], strict=True)))
        expected += f"{MASK}{''.join(sequences)}.{behind}"
        content += behind

    masker = Masker([secret for secret, _, _ in parts])

    assert write(expected).encode() == masker.text(write(content).encode())
