"""Launch variables: what is accepted, what is refused, and what is never repeated."""

from typing import Any

import pytest

from app.domain.variables import (
    check,
    defaults,
    from_text,
    split_secrets,
)
from app.errors import InvalidVariables
from testing.factories import make_schema, make_service
from testing.launch_variables import problems_of, service_with

CANARY = "hunter2-canary"
TEXTS = {"type": "array", "items": {"type": "string"}}


def test_given_values_come_over_the_defaults() -> None:
    service = service_with(
        a={"type": "integer", "default": 1}, b={"default": "x"}, c={"type": "string"}
    )

    assert {"a": 2, "b": "x"} == check(service, {"a": 2})
    assert {"a": 1, "b": "x"} == defaults(service)


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        pytest.param({"type": "integer"}, "5", '"5" is not of type "integer"',
                     id="type"),
        pytest.param({"enum": ["a", "b"]}, "c", '"c" is not one of "a", "b"',
                     id="enum"),
        pytest.param({"maximum": 3}, 4, "greater than the maximum", id="maximum"),
        pytest.param({"pattern": "^v"}, "1.0",
                     '"1.0" has the wrong format; expected text that matches ^v',
                     id="pattern"),
        pytest.param({"pattern": "^v", "description": "A tag such as v1."}, "1.0",
                     '"1.0" has the wrong format; expected: A tag such as v1.',
                     id="pattern in words"),
        pytest.param({"pattern": "^v", "examples": ["v1", "v2"]}, "1.0",
                     'the wrong format; expected a value such as "v1" or "v2"',
                     id="pattern with examples"),
        pytest.param({"pattern": r"^[0-9.]+$"}, "1.0.0\n", "has the wrong format",
                     id="newline-at-the-end"),
        pytest.param({"pattern": r"^\d+$"}, "\u0661", "has the wrong format",
                     id="digit"),
        pytest.param({"enum": [True, None, "a"]}, False,
                     'false is not one of true, null, "a"', id="words-of-json"),
        pytest.param({"type": ["string", "null"]}, 1,
                     '1 is not of type "string" or "null"', id="types"),
        pytest.param({"patternProperties": {r"^\w+$": {"type": "integer"}}},
                     {"b": "x"}, 'b: "x" is not of type', id="pattern-properties"),
        pytest.param({"patternProperties": {r"^\w+$": {}},
                      "additionalProperties": False}, {"b\n": 1},
                     '"b\\n" is not accepted here', id="additional-properties"),
        pytest.param({"format": "ipv4"}, "1.2.3", 'is not of the format "ipv4"',
                     id="format"),
        pytest.param({"format": "uri"}, "example.org", 'is not of the format "uri"',
                     id="uri"),
        pytest.param({"format": "uri"}, "https:///x", 'is not of the format "uri"',
                     id="no-host"),
        pytest.param({"format": "uri"}, "http://[x", 'is not of the format "uri"',
                     id="bad-host"),
        pytest.param({"format": "date"}, "31.1.2026", 'is not of the format "date"',
                     id="date"),
        pytest.param({"format": "date-time"}, "2026-02-30T00:00:00Z",
                     'is not of the format "date-time"', id="no-such-day"),
        pytest.param({"format": "date-time"}, "2026-01-31T12:00:00",
                     'is not of the format "date-time"', id="no-offset"),
        pytest.param({"format": "time"}, "25:00:00Z", 'is not of the format "time"',
                     id="time"),
        pytest.param({"items": {"type": "string"}}, [1], "0: 1 is not of type",
                     id="nested"),
        pytest.param({"items": {"required": ["name"]}}, ["", {}],
                     '1: "name" is required', id="nested-required"),
        pytest.param({"items": {"properties": {"port": {"type": "integer"}}}},
                     [{"port": "x"}], '0/port: "x" is not of type', id="nested-deeply"),
        pytest.param({}, float("nan"), "JSON", id="nan"),
        pytest.param({}, float("inf"), "JSON", id="infinity"),
        pytest.param({}, 2**70, "JSON", id="number-beyond-64-bits"),
        pytest.param({}, "\ud800", "JSON", id="lone-surrogate"),
        pytest.param({}, {"a": ["\ud800"]}, "JSON", id="lone-surrogate-inside"),
    ],
)  # fmt: skip
def test_a_value_that_the_schema_refuses_is_named(
    schema: dict[str, Any], value: object, problem: str
) -> None:
    service = service_with(a=schema)

    assert problem in problems_of(service, a=value)["a"]


def test_a_boolean_that_nobody_sets_is_left_out() -> None:
    service = service_with(a={"type": "boolean"}, b={"type": "boolean"})

    assert {"b": False} == check(service, from_text(service, {"b": "no"}))


def test_a_missing_variable_is_named() -> None:
    schema = make_schema(version={"type": "string"}) | {"required": ["version"]}

    problems = problems_of(make_service(variables=schema))

    assert {"version": "is required"} == problems


@pytest.mark.parametrize("additional", [True, {}, {"type": "string"}])
@pytest.mark.parametrize("name", ["ansible_connection", "ansible_python_interpreter"])
def test_a_variable_that_the_schema_does_not_name_is_refused(
    name: str, additional: object
) -> None:
    schema = make_schema(version={}) | {"additionalProperties": additional}

    problems = problems_of(make_service(variables=schema), **{name: "local"})

    assert {name: "is not a variable of hello (known: version)"} == problems


def test_a_service_without_variables_takes_none() -> None:
    assert {} == check(make_service(), {})
    assert {"a": "is not a variable of hello (known: none)"} == problems_of(
        make_service(), a=1
    )


def test_all_problems_are_reported_at_once() -> None:
    service = service_with(a={"type": "integer"}, b={"type": "boolean"}, c={})

    assert {"a", "b"} == set(problems_of(service, a="x", b="y", c="z"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("uri", "https://example.org/a?b=c#d"),
        ("uri", "urn:isbn:0451450523"),
        ("date-time", "2026-01-31T12:00:00.1234567+01:00"),
        ("time", "12:00:00Z"),
        ("date", "2026-01-31"),
        ("uri", 5),
        ("date-time", 5),
        ("time", 5),
    ],
)
def test_a_value_of_its_format_is_taken(name: str, value: object) -> None:
    assert {"a": value} == check(service_with(a={"format": name}), {"a": value})


@pytest.mark.parametrize(
    ("more", "given"),
    [
        pytest.param({}, {"token": CANARY}, id="of-the-variable"),
        pytest.param({"not": {}}, {"token": CANARY}, id="not"),
        pytest.param({"maxProperties": 0}, {"token": CANARY}, id="max-properties"),
        pytest.param(
            {"anyOf": [{"required": ["other"]}]}, {"token": CANARY}, id="any-of"
        ),
        pytest.param(
            {"dependentRequired": {"token": ["other"]}},
            {"token": CANARY},
            id="together",
        ),
    ],
)
def test_a_refused_secret_is_not_repeated(
    more: dict[str, Any], given: dict[str, Any]
) -> None:
    schema = make_schema(
        token={"type": "string", "writeOnly": True, "maxLength": 5}, other={}
    )

    problems = problems_of(make_service(variables=schema | more), **given)

    assert problems
    assert CANARY not in str(InvalidVariables(problems))


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        pytest.param({"type": "string"}, " 5 ", " 5 ", id="string"),
        pytest.param({}, "5", "5", id="no-type-is-a-string"),
        pytest.param({"type": "integer"}, " 5 ", 5, id="integer"),
        pytest.param({"type": "integer"}, "5.5", "5.5", id="no-integer"),
        pytest.param({"type": "integer"}, "9" * 5000, "9" * 5000, id="endless-integer"),
        pytest.param({"type": "number"}, "1e3", 1000.0, id="number"),
        pytest.param({"type": "number"}, "nan", "nan", id="nan"),
        pytest.param({"type": "number"}, "1e999", "1e999", id="infinity"),
        pytest.param({"type": "boolean"}, "Yes", True, id="yes"),
        pytest.param({"type": "boolean"}, "off", False, id="off"),
        pytest.param({"type": "boolean"}, "maybe", "maybe", id="maybe"),
        pytest.param({"type": "array"}, "[1]", [1], id="array"),
        pytest.param({"type": "object"}, '{"a": 1}', {"a": 1}, id="object"),
        pytest.param({"type": "array"}, "[1", "[1", id="no-json"),
        pytest.param({"type": "array"}, "- 1\n- a: no", [1, {"a": "no"}], id="yaml"),
        pytest.param({"type": "array"}, "1, 2", "1, 2", id="no-structure"),
        pytest.param({"type": "object"}, "at: 2026-01-31\nmode: 0644\nx:",
                     {"at": "2026-01-31", "mode": "0644", "x": None}, id="yaml-texts"),
        pytest.param({"type": "object"}, "n: 1.5\nt: true\nd: 22:22",
                     {"n": 1.5, "t": True, "d": "22:22"}, id="yaml-values"),
        pytest.param({"type": "array"}, "- &a [x]\n- *a", "- &a [x]\n- *a", id="alias"),
        pytest.param({"type": "array"}, "- !!python/none x", "- !!python/none x",
                     id="yaml-of-python"),
        pytest.param({"type": "array"}, "[" * 5000, "[" * 5000, id="endless-yaml"),
        pytest.param(TEXTS, "a\n\n b ", ["a", "b"], id="lines"),
        pytest.param(TEXTS, "", [], id="no-lines"),
        pytest.param(TEXTS, '["a", "b"]', ["a", "b"], id="texts-as-json"),
        pytest.param(TEXTS, "5", ["5"], id="a-line-with-a-number"),
        pytest.param({"type": ["string", "null"]}, "null", None, id="several-types"),
        pytest.param({"type": ["string", "null"]}, "5", "5", id="no-number-meant"),
        pytest.param({"type": ["string", "integer"]}, "5", 5, id="number-meant"),
        pytest.param({"enum": [1, 2]}, "2", 2, id="choice-that-is-no-text"),
        pytest.param({"enum": ["1", 1]}, "1", "1", id="choice-that-is-a-text"),
    ],
)  # fmt: skip
def test_a_text_becomes_a_value_of_the_schemas_type(
    schema: dict[str, Any], text: str, expected: object
) -> None:
    found = from_text(service_with(a=schema), {"a": text})["a"]

    assert expected == found
    assert type(expected) is type(found)


def test_an_unknown_name_stays_a_text_to_be_refused_by_name() -> None:
    assert {"b": "1"} == from_text(service_with(a={}), {"b": "1"})


def test_secrets_are_parted_from_what_may_be_shown() -> None:
    service = make_service(variables=make_schema(secret="token", colour={}))

    shown, secret = split_secrets(service, {"token": CANARY, "colour": "red"})

    assert {"colour": "red"} == shown
    assert {"token": CANARY} == secret
