"""Extra variables: what can't arrive in Ansible as it is is refused, never changed."""

import json
from typing import Any

import pytest
import yaml

from app.domain import variables
from app.domain.service import Service
from app.errors import InvalidVariables
from app.runner import extra_vars
from app.runner.extra_vars import MAX_DEPTH

PROPERTIES: dict[str, Any] = {"properties": {"value": {}}}


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"__ansible_unsafe": "x"},
        {"__ansible_vault": "x"},
        {"__ansible_type": "x"},
        [{"deep": [{"__ansible_anything": 1}]}],
        "\ud800",
        {"\udfff": 1},
        nested(MAX_DEPTH + 1),
    ],
)
def test_a_value_that_would_arrive_as_another_is_refused_at_launch_and_in_the_run(
    value: Any,
) -> None:
    playbook = Service(name="shop", playbook="deploy.yml", variables=PROPERTIES)

    with pytest.raises(ValueError, match="has "):
        extra_vars.dumps({"value": value})
    with pytest.raises(InvalidVariables, match="value"):
        variables.check(playbook, {"value": value})


def test_a_script_gets_every_object() -> None:
    script = Service(name="shop", deploy_script="deploy.sh", variables=PROPERTIES)
    value = {"__ansible_unsafe": "x"}

    assert {"value": value} == variables.check(script, {"value": value})


def test_what_is_written_is_json_and_no_yaml() -> None:
    """Read as YAML, it would lose its marks and become templates."""
    content = extra_vars.dumps({"value": ["{{ 1 + 1 }}", 1.5, None, {"a": ""}]})

    assert {
        "value": [
            {"__ansible_unsafe": "{{ 1 + 1 }}"}, 1.5, None,
            {"a": {"__ansible_unsafe": ""}},
        ]
    } == json.loads(content)  # fmt: skip
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(content)
