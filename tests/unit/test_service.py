"""What a config.json may say, and the sentence for everything it may not."""

import json
from typing import Any

import jsonschema
import pytest

from app.domain.config_json import parse
from app.domain.service import DEFAULT_TIMEOUT, Service
from app.errors import Invalid
from testing.factories import make_config, make_schema


def parse_config(**overrides: Any) -> Service:
    content = {k: v for k, v in make_config(**overrides).items() if v is not ...}
    return parse(json.dumps(content).encode(), "hello")


def test_a_script_service_is_read() -> None:
    service = parse_config(description="Says hello", timeout=60)

    assert "hello" == service.name
    assert "Says hello" == service.description
    assert "deploy.py" == service.program
    assert ["prepare", "verify"] == [step.name for step in service.steps]
    assert 60 == service.timeout


def test_a_playbook_service_is_read() -> None:
    service = parse_config(
        deploy_script=...,
        playbook="site.yml",
        inventory="hosts",
        sops_files=["secrets.sops.yml"],
    )

    assert "site.yml" == service.playbook
    assert "hosts" == service.inventory
    assert ("secrets.sops.yml",) == service.sops_files
    assert "deploy.py" == service.program


def test_the_least_that_a_service_needs() -> None:
    service = parse(b'{"name": "hello", "deploy_script": "bin/run"}', "hello")

    assert () == service.steps
    assert {} == service.properties
    assert DEFAULT_TIMEOUT == service.timeout


def test_secret_names_are_the_properties_that_are_write_only() -> None:
    schema = make_schema(secret="token", colour={"type": "string", "writeOnly": False})

    assert {"token"} == parse_config(variables=schema).secret_names


@pytest.mark.parametrize(
    "account",
    [
        {"properties": {"password": {"writeOnly": True}}},
        {"items": {"writeOnly": True}},
        {"anyOf": [{"type": "null"}, {"properties": {"key": {"writeOnly": True}}}]},
        {"$ref": "#/$defs/account"},
        {"allOf": [{"type": "string"}, {"writeOnly": True}]},
        {"additionalProperties": {"type": "string", "writeOnly": True}},
        {"prefixItems": [{"type": "string"}, {"writeOnly": True}]},
    ],
    ids=["property", "item", "choice", "reference", "all", "additional", "prefix"],
)
def test_a_variable_of_which_a_part_is_write_only_is_secret(
    account: dict[str, Any],
) -> None:
    schema = make_schema(account=account, colour={"type": "string"})
    schema["$defs"] = {"account": {"properties": {"key": {"writeOnly": True}}}}

    assert {"account"} == parse_config(variables=schema).secret_names


@pytest.mark.parametrize(
    "outside",
    [
        {"allOf": [{"properties": {"account": {"writeOnly": True}}}]},
        {"if": {"required": ["account"]},
         "then": {"properties": {"account": {"items": {"writeOnly": True}}}}},
        {"$ref": "#/$defs/all",
         "$defs": {"all": {"properties": {"account": {"writeOnly": True}}}}},
    ],
    ids=["all", "condition", "reference"],
)  # fmt: skip
def test_a_schema_beside_properties_can_make_a_variable_secret(
    outside: dict[str, Any],
) -> None:
    schema = make_schema(account={}, colour={"type": "string"}) | outside

    assert {"account"} == parse_config(variables=schema).secret_names


def test_a_pattern_that_hides_properties_hides_all_of_them() -> None:
    schema = make_schema(token_a={}, colour={})
    schema["patternProperties"] = {"^token_": {"writeOnly": True}}

    assert {"token_a", "colour"} == parse_config(variables=schema).secret_names


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "config.json is not JSON"),
        (b"{", "config.json is not JSON"),
        (b'{"name": "hello\xff"}', "config.json is not JSON"),
        (b'{"name": NaN}', "config.json is not JSON"),
        (b"[" * 5000, "config.json is not JSON"),
        (b"[]", "should be an object"),
        (b"null", "should be an object"),
        (b"42", "should be an object"),
    ],
    ids=["empty", "cut", "latin-1", "nan", "too-deep", "array", "null", "number"],
)
def test_content_that_is_not_a_json_object_is_refused(
    content: bytes, sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        parse(content, "hello")


DEEP: dict[str, Any] = {}
for _ in range(400):
    DEEP = {"not": DEEP}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        pytest.param({"name": ...}, "name: Field required", id="no-name"),
        pytest.param({"name": 5}, "name: Input should be a valid string", id="number"),
        pytest.param({"name": "Hello"}, "name: String should match", id="upper-case"),
        pytest.param({"name": "../up"}, "name: String should match", id="path-as-name"),
        pytest.param({"name": "hello\n"}, "name: String should match", id="newline"),
        pytest.param({"name": "a" * 65}, "name: String should match", id="long-name"),
        pytest.param(
            {"name": "other"}, 'is "other", but its folder is "hello"', id="other-name"
        ),
        pytest.param({"colour": "red"}, "colour: Extra inputs", id="unknown-key"),
        pytest.param(
            {"nul\0key": 1}, r"nul\\0key: Extra inputs", id="unknown-key-with-nul"
        ),
        pytest.param(
            {"steps": [{"name": "a\0b"}]}, "must not contain", id="step-with-nul"
        ),
        pytest.param(
            {"keep": {"days": 99999999999}}, "equal to 36500", id="keep-past-all-dates"
        ),
        pytest.param(
            {"keep": {"mebibytes": 2**44}}, "equal to 1000000000", id="keep-past-bigint"
        ),
        pytest.param({"deploy_script": ...}, "exactly one of", id="neither-kind"),
        pytest.param({"playbook": "site.yml"}, "exactly one of", id="both-kinds"),
        pytest.param({"inventory": "hosts"}, "goes with", id="inventory-of-a-script"),
        pytest.param({"sops_files": ["a.yml"]}, "goes with", id="sops-of-a-script"),
        pytest.param(
            {"accelerate": "mitogen"}, "goes with", id="acceleration-of-a-script"
        ),
        pytest.param(
            {"accelerate": "warp"}, "'mitogen' or 'none'", id="unknown-acceleration"
        ),
        pytest.param(
            {"sops_files": ["../a.yml"]}, "sops_files: .*plain path", id="sops-upwards"
        ),
        pytest.param({"sops_files": ["/a.yml"]}, "plain path", id="sops-absolute"),
        pytest.param({"sops_files": ["a", "a"]}, "each file once", id="sops-twice"),
        pytest.param({"deploy_script": ""}, "at least 1 character", id="empty-script"),
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
        pytest.param(
            {"steps": [{}]}, "steps.0.name: Field required", id="no-step-name"
        ),
        pytest.param({"steps": [{"name": ""}]}, "steps.0.name", id="empty-step-name"),
        pytest.param(
            {"steps": [{"name": "a", "do": 1}]},
            "steps.0.do: Extra",
            id="step-with-more",
        ),
        pytest.param(
            {"steps": [{"name": "a"}, {"name": "a"}]}, "each step once", id="same-step"
        ),
        pytest.param(
            {"steps": [{"name": str(n)} for n in range(201)]}, "steps", id="many-steps"
        ),
        pytest.param({"timeout": 0}, "timeout: .*greater than", id="no-time"),
        pytest.param({"timeout": 10**9}, "timeout: .*less than", id="too-much-time"),
        pytest.param({"timeout": "soon"}, "timeout: .*integer", id="timeout-a-word"),
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
            "'a-b' is not a name of an Ansible variable",
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


@pytest.mark.parametrize(
    "more",
    [
        {"required": ["a"]},
        {"anyOf": [{"required": ["a"]}]},
        {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"x-group": "Release", "title": "Variables"},
    ],
    ids=["required", "any-of", "schema", "own-keyword"],
)
def test_a_schema_that_asks_for_more_than_its_defaults_is_accepted(
    more: dict[str, Any],
) -> None:
    schema = make_schema(a={"type": "string"}, b={"default": 1}) | more

    assert {"a", "b"} == set(parse_config(variables=schema).properties)


def test_data_that_looks_like_a_pattern_is_not_one() -> None:
    schema = make_schema(a={"default": {"pattern": "(?=x)"}}, pattern={"enum": ["("]})

    assert {"a", "pattern"} == set(parse_config(variables=schema).properties)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        parse_config(timeout=0, colour="red")

    assert "timeout: " in str(caught.value)
    assert "colour: " in str(caught.value)


def test_the_published_schema_accepts_what_we_accept() -> None:
    schema = Service.model_json_schema()
    validator = jsonschema.Draft202012Validator(schema)

    assert validator.is_valid(make_config())
    assert not validator.is_valid(make_config(playbook="site.yml"))
    assert not validator.is_valid(make_config(colour="red"))


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
