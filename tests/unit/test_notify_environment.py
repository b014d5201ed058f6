"""An entry of `notify` may be about one environment of a project only."""

import json

import pytest

from app.domain import config_json, project_file
from app.domain.notify_rules import NotifyEvent, channels
from app.domain.service import Service
from app.errors import Invalid
from testing.factories import make_config

_PROJECT = """\
project: infra
environments:
  staging: {inventory: hosts}
  production: {inventory: hosts}
defaults:
  notify:
    - {on: [failed], to: all}
services:
  site:
    playbook: site.yml
    notify:
      - {on: [failed], to: everybody}
      - {on: [failed], to: ops, environment: ENVIRONMENT}
"""


def parse(environment: str) -> dict[str, Service | str]:
    text = _PROJECT.replace("ENVIRONMENT", environment)
    return project_file.parse(text.encode(), "infra")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [("staging", ["everybody"]), ("production", ["everybody", "ops"])],
)
def test_each_environment_notifies_by_its_own_entries(
    environment: str, expected: list[str]
) -> None:
    service = parse("production")[f"infra/site@{environment}"]

    assert isinstance(service, Service)
    assert expected == channels(service.notify, NotifyEvent.FAILED)


def test_an_unknown_environment_is_an_error_with_its_line() -> None:
    problem = parse("prod")["infra/site@staging"]

    assert str(problem).startswith("fastdeploy.yml, line 13: ")
    assert '"prod" is not an environment of the service' in str(problem)


def test_a_service_outside_of_projects_has_no_environments() -> None:
    rule = {"on": ["failed"], "to": "ops", "environment": "production"}
    content = json.dumps(make_config(notify=[rule])).encode()

    with pytest.raises(Invalid, match="only a project has environments"):
        config_json.parse(content, None)
