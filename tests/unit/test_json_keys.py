"""Keys that a JSON object has twice."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.json_keys import repeated_key
from app.web.middleware import MAX_BODY

KEYS = st.text(st.sampled_from('ab"\\:{}é\n'), max_size=3)
VALUES = st.recursive(
    KEYS | st.integers() | st.none(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each, max_size=3),
)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"a": 1, "a": 2}', "a"),
        ('{"a": 1, "\\u0061" : 2}', "a"),
        ('{"x": [{"b": {"a": 1}, "b": 2}]}', "b"),
        ('{"a": {"b": 1}, "b": {"a": 1}}', None),
        ('[{"a": 1}, {"a": 1}]', None),
        ('{"a": "a", "b": "\\"a\\":"}', None),
        ('{"a":1}}{"a":', None),
        ('"a', None),
        ("", None),
    ],
)
def test_the_key_that_an_object_has_twice_is_found(text: str, key: str | None) -> None:
    assert key == repeated_key(text.encode())


@given(VALUES)
def test_no_key_of_valid_json_is_found(value: object) -> None:
    assert repeated_key(json.dumps(value).encode()) is None


@given(st.dictionaries(KEYS, VALUES, min_size=1), VALUES)
def test_any_key_is_found_if_it_is_added_again(
    content: dict[str, object], more: object
) -> None:
    key = next(iter(content))
    again = f", {json.dumps(key)}: {json.dumps(more)}}}"

    assert key == repeated_key((json.dumps(content)[:-1] + again).encode())


@pytest.mark.parametrize("part", ['"', '\\"', "{", '{"a":', "}", "[]"])
def test_the_time_is_linear(part: str) -> None:
    """With a quadratic one, this would take minutes."""
    repeated_key(b'"' + part.encode() * (MAX_BODY // len(part)))
    repeated_key(part.encode() * (MAX_BODY // len(part)))
