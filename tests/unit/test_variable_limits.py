"""Checks of launch variables end in time, and their sentences stay short."""

import time
from contextlib import suppress
from typing import Any

import pytest

from app.domain import json_schema
from app.domain.variables import (
    MAX_SIZE,
    check,
)
from app.errors import InvalidVariables
from testing.factories import make_schema, make_service
from testing.launch_variables import problems_of, service_with


def test_only_some_problems_of_a_list_are_reported() -> None:
    service = service_with(a={"items": {"type": "integer"}})

    problem = problems_of(service, a=["x"] * 100)["a"]

    assert '0: "x" is not of type "integer"; 1: "x"' in problem
    assert 5 == problem.count("is not of type")


def test_variables_have_a_limit_together() -> None:
    service = service_with(a={}, b={})
    half = "x" * (MAX_SIZE // 2)

    assert {"a": half} == check(service, {"a": half})
    assert {"": f"together they exceed {MAX_SIZE} bytes"} == problems_of(
        service, a=half, b=half
    )


def test_a_schema_that_refers_to_itself_without_end_refuses_and_says_so() -> None:
    service = service_with(a={"$ref": "#/properties/a"})

    assert "without end" in problems_of(service, a=1)[""]


def test_a_long_refused_value_is_cut() -> None:
    service = service_with(a={"type": "integer"})

    assert len(problems_of(service, a="x" * 10_000)["a"]) <= 500


UNIQUE = {"type": "array", "uniqueItems": True}


@pytest.mark.parametrize(
    ("value", "unique"),
    [
        ([1, 1.0], False), ([1, True], True), ([0, False], True), ([0.0, -0.0], False),
        ([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], False), ([[], {}], True),
        ([{"a": 1}, {"a": True}], True), (["1", 1], True), ([None, None], False),
        ([1e300, 1e300], False), ([2**53, 2**53 + 1], True), ([], True),
    ],
)  # fmt: skip
def test_items_are_the_same_as_json_schema_says(
    value: list[Any],
    unique: bool,  # noqa: FBT001 - a column of the table
) -> None:
    found = list(json_schema.errors(UNIQUE, value))

    assert unique is (not found)


def test_20_000_different_objects_are_checked_in_time() -> None:
    """It took over 100 seconds: each was compared with each."""
    value = [{"n": number} for number in range(20_000)]
    begin = time.process_time()

    check(service_with(a=UNIQUE), {"a": value})

    assert time.process_time() - begin < 5


COSTLY: dict[str, tuple[dict[str, Any], Any]] = {
    "enum-of-many": (
        {"items": {"enum": [f"choice {n}" for n in range(5000)]}}, ["?"] * 20_000,
    ),
    "unevaluated": (
        {"prefixItems": [True], "unevaluatedItems": {"type": "integer"}}, [1] * 60_000,
    ),
    "exponential": (
        {"$ref": "#/$defs/a12"}, 1,
    ),
    "nested-unique": (
        {"$ref": "#/$defs/deep"}, [[[[[[*range(20_000)]]]]]],
    ),
}  # fmt: skip
DEFS = {
    "a0": {"type": "string"},
    **{f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n - 1}"}] * 4} for n in range(1, 13)},
    "deep": {"uniqueItems": True, "items": {"$ref": "#/$defs/deep"}},
}


@pytest.mark.parametrize(("schema", "value"), COSTLY.values(), ids=COSTLY.keys())
def test_a_costly_check_ends_in_time(schema: dict[str, Any], value: Any) -> None:
    service = make_service(variables=make_schema(a=schema) | {"$defs": DEFS})
    begin = time.process_time()

    with suppress(InvalidVariables):
        check(service, {"a": value})

    assert time.process_time() - begin < 10


def test_the_refusal_of_a_costly_value_says_so() -> None:
    schema, value = COSTLY["enum-of-many"]

    assert "too much" in problems_of(service_with(a=schema), a=value)[""]


def test_many_wrong_items_are_refused_in_time() -> None:
    service = service_with(
        a={"items": {"type": "integer"}},
        **{f"v{n}": {"type": "string"} for n in range(500)},
    )
    begin = time.process_time()

    assert "is not of type" in problems_of(service, a=["x"] * 50_000)["a"]
    assert time.process_time() - begin < 5
