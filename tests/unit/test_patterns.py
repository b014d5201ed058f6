"""Patterns match what the RegExp of Node.js matches; the rest is refused by name."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.domain import patterns
from app.domain.ecma262 import Unsupported
from testing.node import node

DATA = Path(__file__).parents[1] / "data/ecma262"
TABLE: dict[str, Any] = json.loads((DATA / "table.json").read_text())

#: Patterns that Node.js takes and that are refused, with what the message names.
REFUSED = {
    "^(?!-)a": "lookahead (?!",
    "^(?=.*a).{2,}$": "lookahead (?=",
    "(?<=a)b": "lookbehind (?<=",
    "(?<!a)b": "lookbehind (?<!",
    r"(a)\1": r"backreference \1",
    r"\k<n>(?<n>a)": r"backreference \k<n>",
    r"\p{Nope}": r"\p{Nope}",
    r"\p{Greek}": r"\p{Greek}",
}
EQUAL = [row for row in TABLE["patterns"] if row["pattern"] not in REFUSED]


@pytest.mark.parametrize("row", EQUAL, ids=lambda row: row["pattern"])
def test_a_pattern_matches_what_it_matches_in_node(row: dict[str, Any]) -> None:
    try:
        found = [
            index
            for index, text in enumerate(TABLE["texts"])
            if patterns.matches(row["pattern"], text)
        ]
    except Unsupported:
        found = None

    assert row["matches"] == found


@pytest.mark.parametrize(("pattern", "named"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_matched_in_linear_time_is_refused_by_name(
    pattern: str, named: str
) -> None:
    assert pattern in [row["pattern"] for row in TABLE["patterns"]]

    with pytest.raises(Unsupported) as caught:
        patterns.require(pattern)

    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        (r"^a\Z", r"\\Z is not an escape of ECMA-262; use \$"),
        ("a{1,1001}", "repeats more than 1000 times; use minLength and maxLength"),
        ("(a{100}){100}", "repetition"),
        ("[a", "has no closing"),
        ("(a", r"missing \)"),
        (r"\ud800", "is not a character"),
        (r"\u{110000}", "is not a character"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(pattern: str, sentence: str) -> None:
    with pytest.raises(Unsupported, match=sentence):
        patterns.require(pattern)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(.*a){20}$", "(x+x+)+y"])
def test_a_pattern_that_backtracks_elsewhere_ends_at_once(pattern: str) -> None:
    assert not patterns.matches(pattern, "a" * 100_000 + "x" * 100_000 + "!")


def test_the_table_is_what_node_says() -> None:
    made = subprocess.run(
        [node(), DATA / "make-table.mjs"], check=True, capture_output=True, timeout=60
    )

    assert TABLE == json.loads(made.stdout)
