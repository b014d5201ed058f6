"""A config.json that is read: services, secret variables, defaults."""

from typing import Any

import jsonschema
import pytest

from app.domain.config_json import parse
from app.domain.service import DEFAULT_TIMEOUT, Service
from testing.configs import parse_config
from testing.factories import make_config, make_schema


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


def test_the_published_schema_accepts_what_we_accept() -> None:
    schema = Service.model_json_schema()
    validator = jsonschema.Draft202012Validator(schema)

    assert validator.is_valid(make_config())
    assert not validator.is_valid(make_config(playbook="site.yml"))
    assert not validator.is_valid(make_config(colour="red"))
