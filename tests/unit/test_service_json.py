"""Tests of the parsing of stored definitions."""

import json

from app.store import service_json


def test_equal_definitions_are_parsed_once() -> None:
    text = json.dumps({"name": "web", "deploy_script": "deploy.py"})

    assert service_json.parse(text) is service_json.parse(f" {text}"[1:])


def test_a_long_definition_is_not_kept() -> None:
    text = json.dumps(
        {"name": "web", "deploy_script": "deploy.py", "variables": {"x": "y" * 20_000}}
    )

    assert service_json.parse(text) == service_json.parse(text)
    assert service_json.parse(text) is not service_json.parse(text)
