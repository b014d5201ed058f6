"""A scan of a long content finds every secret that is masked."""

import itertools
import json
from collections.abc import Callable
from random import Random
from secrets import token_urlsafe

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.runner.masking import Masker
from app.worker.secret_scan import SMALL, SecretScan

SEQUENCES = st.sampled_from(
    ["\x1b[0m", "\x1b[01;31m\x1b[K", "\x1b(B\x1b[m", "\x1b]8;;https://a.org\x1b\\"]
)
SECRETS = st.text("abn\\\"' +ü_-./%", max_size=25).map("{}-k3y".format)
WRITERS: list[Callable[[str], str]] = [
    str,
    json.dumps,
    lambda text: json.dumps(json.dumps(text, ensure_ascii=False)),
]
#: A content that isn't masked, even by a short secret.
PLAIN = b'{"stdout": "\\u001b[0;32mok: [x]\\u001b[0m"}\n'


@given(
    st.lists(SECRETS, min_size=1, max_size=4),
    st.lists(SEQUENCES, max_size=3),
    st.integers(0, 40), st.sampled_from(WRITERS), st.randoms(use_true_random=False),
)  # fmt: skip
def test_a_secret_is_found_wherever_it_is_and_whatever_interrupts_it(
    secrets: list[str],
    sequences: list[str],
    at: int,
    write: Callable[[str], str],
    random: Random,
) -> None:
    places = sorted(random.choices(range(len(secrets[0])), k=len(sequences)))
    cuts = itertools.pairwise([0, *places, len(secrets[0])])
    pieces = zip([secrets[0][b:e] for b, e in cuts], [*sequences, ""], strict=True)
    written = write("".join(map("".join, pieces))).encode()
    masker = Masker(secrets)

    assert masker.finds(written)
    for content in (written + b"." * SMALL, b"." * SMALL + b"=" * at + written):
        assert SecretScan(masker).finds(content)


@pytest.mark.parametrize("length", [4, 7, 8, 12, 16, 40])
@pytest.mark.parametrize("count", [0, 1, 400])
def test_a_content_without_secrets_is_excluded(length: int, count: int) -> None:
    masker = Masker(token_urlsafe(length)[:length] for _ in range(count))
    scan = SecretScan(masker)

    assert not scan.finds(b"=" * SMALL)
    # A short secret can be in an ordinary text by chance.
    assert length < 8 or not scan.finds(PLAIN * (SMALL // len(PLAIN) + 1))
