"""No message has the words of pydantic, and none shows a regular expression."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.domain.config_json import explain
from app.domain.project_file import ProjectFile
from app.domain.service import Service

_SERVICE = {"name": "x", "playbook": "site.yml"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"colour": 1}, "colour: is not a known key; correct or remove it"),
        ({"name": "Not"},
         "name: must be the name of a service: lower case letters, digits, - and _"),
        ({"labels": ["a b"]}, "labels.0: must be a label such as team:web"),
        ({"environment": {"1": "x"}},
         "environment.1.[key]: must be letters, digits and _, and begin with no digit"),
        ({"steps": 5}, "steps: must be a list"),
        ({"keep": 5}, "keep: must be an object"),
        ({"queue": "x"}, 'queue: must be "all" or "latest"'),
        ({"allow_empty": "x"}, "allow_empty: must be true or false"),
        ({"timeout": "x"}, "timeout: must be a whole number"),
        ({"timeout": 1.5}, "timeout: must be a whole number"),
        ({"playbook": ""}, "playbook: must have 1 or more characters"),
        ({"schedules": [{"name": "A", "cron": "x"}]},
         "schedules.0.name: must be lower case letters, digits, - and _"),
    ],
)  # fmt: skip
def test_an_error_is_worded(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Service.model_validate({**_SERVICE, **more})

    assert said in [explain(each) for each in caught.value.errors()]


def test_an_error_in_a_project_is_worded() -> None:
    with pytest.raises(ValidationError) as caught:
        ProjectFile.model_validate({"project": "A", "services": {}})

    assert [
        "project: must be lower case letters, digits, - and _",
        "services: must have 1 or more items",
    ] == [explain(each) for each in caught.value.errors()]
