"""What a config.json may not say, and the sentence for each."""

from functools import reduce
from typing import Any

import pytest

from app.domain.config_json import parse
from app.errors import Invalid
from testing.configs import parse_config
from testing.factories import make_schema


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "config.json is not JSON"),
        (b"{", "config.json is not JSON"),
        (b'{"name": "hello\xff"}', "config.json is not JSON"),
        (b'{"name": NaN}', "config.json is not JSON"),
        (b"[" * 5000, "config.json is not JSON"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (b"42", "must be an object"),
    ],
    ids=["empty", "cut", "latin-1", "nan", "too-deep", "array", "null", "number"],
)
def test_content_that_is_not_a_json_object_is_refused(
    content: bytes, sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        parse(content, "hello")


DEEP: dict[str, Any] = reduce(lambda inner, _: {"not": inner}, range(400), {})


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        pytest.param({"name": ...}, "name: is required", id="no-name"),
        pytest.param({"name": 5}, "name: must be a text", id="number"),
        pytest.param({"name": "Hello"}, "name: must be", id="upper-case"),
        pytest.param({"name": "../up"}, "name: must be", id="path-as-name"),
        pytest.param({"name": "hello\n"}, "name: must be", id="newline"),
        pytest.param({"name": "a" * 65}, "name: must be", id="long-name"),
        pytest.param(
            {"name": "other"}, 'is "other", but its folder is "hello"', id="other-name"
        ),
        pytest.param({"colour": "red"}, "colour: is not a known key", id="unknown-key"),
        pytest.param(
            {"nul\0key": 1}, r"nul\\0key: is not a known key", id="unknown-key-with-nul"
        ),
        pytest.param(
            {"steps": [{"name": "a\0b"}]}, "must not contain", id="step-with-nul"
        ),
        pytest.param(
            {"keep": {"days": 99999999999}}, "at most 36500", id="keep-past-all-dates"
        ),
        pytest.param(
            {"keep": {"mebibytes": 2**44}}, "at most 1000000000", id="keep-past-bigint"
        ),
        pytest.param({"deploy_script": ...}, "exactly one of", id="neither-kind"),
        pytest.param({"playbook": "site.yml"}, "exactly one of", id="both-kinds"),
        pytest.param({"inventory": "hosts"}, "goes with", id="inventory-of-a-script"),
        pytest.param({"sops_files": ["a.yml"]}, "goes with", id="sops-of-a-script"),
        pytest.param(
            {"accelerate": "mitogen"}, "goes with", id="acceleration-of-a-script"
        ),
        pytest.param(
            {"accelerate": "warp"}, '"mitogen" or "none"', id="unknown-acceleration"
        ),
        pytest.param(
            {"sops_files": ["../a.yml"]}, "sops_files: .*plain path", id="sops-upwards"
        ),
        pytest.param({"sops_files": ["/a.yml"]}, "plain path", id="sops-absolute"),
        pytest.param({"sops_files": ["a", "a"]}, "each file once", id="sops-twice"),
        pytest.param({"deploy_script": ""}, "1 or more characters", id="empty-script"),
        pytest.param({"deploy_script": "/bin/sh"}, "plain path", id="absolute-path"),
        pytest.param({"deploy_script": "../x.py"}, "plain path", id="path-upwards"),
        pytest.param({"deploy_script": "a/../../x"}, "plain path", id="path-around"),
        pytest.param({"deploy_script": "a b.py"}, "plain path", id="space-in-path"),
        pytest.param(
            {"deploy_script": ..., "playbook": "a /b.yml"},
            "playbook: .*plain",
            id="hidden-space",
        ),
        pytest.param({"deploy_script": "x.py\n"}, "plain path", id="newline-in-path"),
        pytest.param({"deploy_script": "a;b"}, "plain path", id="shell-in-path"),
        pytest.param({"steps": "prepare"}, "steps: .*list", id="steps-no-list"),
        pytest.param({"steps": [{}]}, "steps.0.name: is required", id="no-step-name"),
        pytest.param({"steps": [{"name": ""}]}, "steps.0.name", id="empty-step-name"),
        pytest.param(
            {"steps": [{"name": "a", "do": 1}]},
            "steps.0.do: is not a known key",
            id="step-with-more",
        ),
        pytest.param(
            {"steps": [{"name": "a"}, {"name": "a"}]}, "each step once", id="same-step"
        ),
        pytest.param(
            {"steps": [{"name": str(n)} for n in range(201)]}, "steps", id="many-steps"
        ),
        pytest.param({"timeout": 0}, "timeout: must be at least 1", id="no-time"),
        pytest.param(
            {"timeout": 10**9}, "timeout: must be at most", id="too-much-time"
        ),
        pytest.param(
            {"timeout": "soon"}, "timeout: must be a whole number", id="timeout-a-word"
        ),
        pytest.param({"description": "x" * 2001}, "description", id="long-description"),
        pytest.param({"variables": []}, "variables: .*object", id="variables-list"),
        pytest.param(
            {"variables": {"type": "array"}}, '"type": "object"', id="schema-of-a-list"
        ),
        pytest.param(
            {"variables": {"type": "objekt"}}, "is not a JSON Schema", id="no-schema"
        ),
        pytest.param(
            {"variables": make_schema(a={"pattern": "("})},
            r"variables: the pattern \( can't be used: missing \)",
            id="bad-pattern",
        ),
        pytest.param(
            {"variables": make_schema(a={"items": {"pattern": "^(?!x)"}})},
            r"pattern \^\(\?!x\) can't be used: lookahead \(\?!",
            id="lookahead",
        ),
        pytest.param(
            {"variables": make_schema(a={"patternProperties": {r"\1": {}}})},
            r"the backreference \\1",
            id="backreference-in-pattern-properties",
        ),
        pytest.param(
            {
                "variables": make_schema(
                    a={"patternProperties": {}, "unevaluatedProperties": False}
                )
            },
            "can't be combined",
            id="unevaluated-pattern-properties",
        ),
        pytest.param(
            {"variables": make_schema(a={"$schema": "https://example.org/"})},
            "may only stand at the top",
            id="schema-of-a-part",
        ),
        pytest.param(
            {"variables": {"version": {"type": "string"}}},
            'variables: "version" is not a keyword of JSON Schema; name launch '
            'variables under "properties"',
            id="variables-without-properties",
        ),
        pytest.param(
            {"variables": {"type": "object"}},
            'has no "properties"',
            id="schema-without-properties",
        ),
        pytest.param(
            {"variables": make_schema(a={}) | {"required": ["nobody_knows"]}},
            'required names "nobody_knows", which is not under "properties"',
            id="required-without-a-property",
        ),
        pytest.param(
            {"variables": make_schema(a={}) | {"dependentRequired": {"a": ["b"]}}},
            'dependentRequired names "b"',
            id="dependent-required-without-a-property",
        ),
        pytest.param(
            {"variables": make_schema(a={"type": "string", "default": 8080})},
            'variables: the default of a is not accepted: 8080 is not of type "string"',
            id="default-of-another-type",
        ),
        pytest.param(
            {"variables": make_schema(a={"enum": ["dev", "prod"], "default": "stage"})},
            'the default of a is not accepted: "stage" is not one of "dev", "prod"',
            id="default-outside-its-enum",
        ),
        pytest.param(
            {
                "variables": make_schema(a={"$ref": "#/$defs/port", "default": "x"})
                | {"$defs": {"port": {"type": "integer"}}}
            },
            'the default of a is not accepted: "x" is not of type "integer"',
            id="default-outside-a-reference",
        ),
        pytest.param(
            {"variables": make_schema(a={"$ref": "#/properties/a", "default": 1})},
            "refers to itself without end",
            id="endless-reference",
        ),
        pytest.param(
            {"variables": make_schema(a={"writeOnly": "yes"})},
            "is not a JSON Schema",
            id="write-only-a-word",
        ),
        pytest.param(
            {"variables": {"properties": {"a-b": {}}}},
            '"a-b" is not a name of an Ansible variable',
            id="bad-variable-name",
        ),
        pytest.param(
            {"variables": {"properties": {"a": True}}},
            "a: must be",
            id="boolean-schema",
        ),
        pytest.param({"variables": DEEP}, "is nested too deeply", id="deep-schema"),
        pytest.param(
            {"variables": make_schema(a={"$ref": "https://example.org/s.json"})},
            "only refer to a schema in itself",
            id="schema-elsewhere",
        ),
        pytest.param(
            {"variables": make_schema(a={"$ref": "#/$defs/missing"})},
            "only refer to a schema in itself",
            id="schema-refers-to-nothing",
        ),
        pytest.param(
            {
                "variables": make_schema(
                    a={"$ref": "#/properties/b/default"},
                    b={"default": {"$ref": "https://example.org/s.json"}},
                )
            },
            "only refer to a schema in itself",
            id="schema-refers-to-data",
        ),
    ],
)
def test_everything_wrong_is_said_in_a_sentence(
    wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence) as caught:
        parse_config(**wrong)

    assert "\0" not in str(caught.value)


def test_every_default_and_requirement_that_is_wrong_is_said_at_once() -> None:
    schema = make_schema(
        port={"type": "string", "default": 8080}, env={"enum": ["a"], "default": "b"}
    )

    with pytest.raises(Invalid) as caught:
        parse_config(variables=schema | {"required": ["nobody_knows"]})

    for name in ("nobody_knows", "the default of port", "the default of env"):
        assert name in str(caught.value)


def test_the_default_of_a_secret_is_not_repeated() -> None:
    schema = make_schema(a={"writeOnly": True, "type": "integer", "default": "hunter2"})

    with pytest.raises(Invalid, match="the default of a is not accepted") as caught:
        parse_config(variables=schema)

    assert "hunter2" not in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        parse_config(timeout=0, colour="red")

    assert "timeout: " in str(caught.value)
    assert "colour: " in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (make_schema(a={"anyOf": [{}] * 1_000}), "more than 1000 schemas"),
        (make_schema(a={"title": "x" * 300_000}), "longer than 262144 bytes"),
    ],
    ids=["schemas", "bytes"],
)
def test_a_schema_that_is_too_large_is_refused(
    schema: dict[str, Any], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        parse_config(variables=schema)
