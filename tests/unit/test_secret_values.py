"""Values of secret launch variables in a schema, which every viewer sees."""

from typing import Any

import orjson
import pytest

from app.domain import config_json
from app.errors import Invalid
from testing.factories import make_config, make_schema, make_service

PASSWORD = {"type": "string", "writeOnly": True}


def refusal(variables: dict[str, Any]) -> str:
    """What a sync says of a service with these variables; empty if it accepts them."""
    content = orjson.dumps(make_config(variables=variables))
    try:
        config_json.parse(content, "hello")
    except Invalid as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("default", "hunter2"), ("const", "hunter2"), ("enum", ["hunter2"]),
     ("examples", ["hunter2"]), ("default", "")],
)  # fmt: skip
def test_a_value_of_a_secret_is_refused_and_not_repeated(
    keyword: str, value: object
) -> None:
    said = refusal(make_schema(password=PASSWORD | {keyword: value}))

    assert '"password" is writeOnly' in said
    assert f'remove "{keyword}"' in said
    assert "hunter2" not in said


ELSEWHERE: dict[str, tuple[dict[str, Any], str]] = {
    "beside-anyOf": (
        make_schema(a={"anyOf": [PASSWORD, {"type": "null"}], "default": "x"}),
        '"a" is writeOnly',
    ),
    "in-anyOf": (
        make_schema(a={"writeOnly": True, "anyOf": [{"const": "x"}]}),
        '"a" is writeOnly',
    ),
    "behind-a-reference": (
        make_schema(a={"$ref": "#/$defs/p"})
        | {"$defs": {"p": PASSWORD | {"default": "x"}}},
        '"a" is writeOnly',
    ),
    "beside-a-reference": (
        make_schema(a={"$ref": "#/$defs/p", "enum": ["x"]})
        | {"$defs": {"p": PASSWORD}},
        '"a" is writeOnly',
    ),
    "writeOnly-from-outside": (
        make_schema(a={"type": "string", "default": "x"})
        | {"allOf": [{"properties": {"a": {"writeOnly": True}}}]},
        '"a" is writeOnly',
    ),
    "value-from-outside": (
        make_schema(a=PASSWORD) | {"if": {"properties": {"a": {"const": "x"}}}},
        '"a" is writeOnly',
    ),
    "by-pattern": (
        make_schema(token_a={"type": "string", "default": "x"})
        | {"patternProperties": {"^token_": {"writeOnly": True}}},
        '"token_a" is writeOnly',
    ),
    "of-additional-properties": (
        make_schema(a=PASSWORD)
        | {"anyOf": [{"additionalProperties": {"enum": ["x"]}}]},
        '"a" is writeOnly',
    ),
    "deep-in-a-secret": (
        make_schema(
            a={"writeOnly": True, "type": "object",
               "properties": {"b": {"items": {"enum": ["x"]}}}}
        ),
        '"a" is writeOnly',
    ),
    "of-a-part": (
        make_schema(
            db={"properties": {"host": {"default": "db1"}, "key": PASSWORD | {"enum": [
                "x"]}}}
        ),
        '"db/key" is writeOnly',
    ),
    "of-a-list": (
        make_schema(keys={"type": "array", "items": PASSWORD, "default": ["x"]}),
        '"keys/*" is writeOnly',
    ),
    "in-the-whole": (
        make_schema(a=PASSWORD) | {"examples": [{"a": "x"}]},
        '"a" is writeOnly',
    ),
    "in-the-default-of-an-object": (
        make_schema(db={"properties": {"key": PASSWORD}, "default": {"key": "x"}}),
        '"db/key" is writeOnly',
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "said"), ELSEWHERE.values(), ids=ELSEWHERE.keys()
)
def test_it_is_refused_wherever_the_schema_says_it(
    variables: dict[str, Any], said: str
) -> None:
    assert said in refusal(variables)


@pytest.mark.parametrize(
    "variables",
    [
        make_schema(password=PASSWORD, colour={"default": "red", "enum": ["red"]}),
        make_schema(
            db={"properties": {"host": {"default": "db1"}, "key": PASSWORD},
                "default": {"host": "db2"}}
        ),
        make_schema(a={"$ref": "#/$defs/n"})
        | {"$defs": {"n": {"properties": {"child": {"$ref": "#/$defs/n"},
                                          "key": PASSWORD}}}},
        make_schema(default=PASSWORD, enum={"type": "string"}),
    ],
    ids=["another-variable", "another-part", "recursive", "named-like-a-keyword"],
)  # fmt: skip
def test_a_schema_that_reveals_no_secret_is_accepted(variables: dict[str, Any]) -> None:
    assert "" == refusal(variables)


def test_what_an_earlier_release_stored_is_not_shown() -> None:
    stored = make_service(variables=make_schema(a=PASSWORD | {"default": "hunter2"}))
    fine = make_service(variables=make_schema("a"))

    assert {} == stored.shown_variables
    assert fine.variables == fine.shown_variables
