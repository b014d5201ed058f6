"""A fastdeploy.yml describes services and environments; errors have file and line."""

import jsonschema
import pytest
import yaml

from app.domain import project_schema
from app.domain.project_file import parse
from app.domain.service import Service
from app.errors import Invalid

INFRA = """\
project: infra
environments:
  staging: {inventory: inventories/staging}
  production:
    inventory: inventories/production
    limit: web
    variables: {stage: live}
services:
  site: {playbook: playbooks/site.yml, steps: [prepare, publish]}
  upgrade:
    playbook: playbooks/upgrade.yml
    environments: [staging]
    options: [check, limit]
"""


def services(text: str) -> dict[str, Service | str]:
    return parse(text.encode("latin-1"), "infra")


def test_each_service_runs_in_each_of_its_environments() -> None:
    assert sorted(services(INFRA)) == [
        "infra/site@production", "infra/site@staging", "infra/upgrade@staging",
    ]  # fmt: skip


def test_an_environment_has_its_inventory_limit_and_variables() -> None:
    site = services(INFRA)["infra/site@production"]
    assert isinstance(site, Service)
    assert site.inventory == "inventories/production"
    assert site.option_defaults.given == {"limit": "web"}
    assert site.fixed_variables == {"stage": "live"}
    assert [step.name for step in site.steps] == ["prepare", "publish"]


def test_without_environments_a_service_has_no_environment_in_its_name() -> None:
    found = services("project: infra\nservices: {site: {playbook: site.yml}}\n")
    assert list(found) == ["infra/site"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- a\n", 'fastdeploy.yml must be a mapping with the key "services"'),
        ("project: [\n", "fastdeploy.yml, line 2: invalid YAML"),
        ("project: infra\n", "fastdeploy.yml, line 1: services: is required"),
        (INFRA + "colour: red\n",
         "fastdeploy.yml, line 14: colour: is not a known key"),
        (INFRA + "  site: {playbook: b.yml}\n",
         "fastdeploy.yml, line 14: services.site is defined twice, first in line 9"),
        (INFRA.replace("{inventory: inventories/staging}", "{}"),
         "fastdeploy.yml, line 3: environments.staging.inventory: is required"),
        (INFRA.replace("inventories/staging", "../other"),
         "fastdeploy.yml, line 3: environments.staging.inventory: must be a plain"),
        (INFRA.replace("stage: live", "stage: !vault secret"),
         "fastdeploy.yml, line 7: the tag !vault can't be used here"),
        (INFRA.replace("stage: live", "1: live"),
         "fastdeploy.yml, line 7: a key is not a text"),
        (INFRA.replace("stage: live", "stage: .nan"),
         "fastdeploy.yml, line 7: .nan is not a number in JSON"),
        (INFRA.replace("stage: live", "stage: &me [*me]"),
         "fastdeploy.yml, line 7: a value contains itself"),
        ("services: " + "[" * 100_000, "fastdeploy.yml"),
        ("services: {\xff: 1}", "fastdeploy.yml"),
    ],
)  # fmt: skip
def test_an_invalid_file_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        services(text)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("playbook: a.yml, colour: red",
         "services.new.colour: is not a known key"),
        ("playbook: ../site.yml",
         "services.new.playbook: must be a plain path inside"),
        ("playbook: a.yml, environments: [test]",
         "\"environments\": 'test' is not an environment (there are: staging,"),
        ("playbook: a.yml, environments: []", '"environments" must be a list'),
        ("playbook: a.yml, environments: [[]]", '"environments": [] is not an'),
        ("playbook: a.yml, name: other", '"name" can\'t be set in fastdeploy.yml'),
        ("playbook: a.yml, steps: 7", '"steps" must be a list'),
        ("playbook: a.yml, fixed_variables: [a]",
         '"fixed_variables" must be a mapping'),
        ("playbook: a.yml, fixed_variables: {__ansible_vault: a}",
         "services.new.fixed_variables: has the key"),
        ("playbook: a.yml, variables: {properties: {a: {type: 7}}}",
         "services.new.variables: "),
    ],
)  # fmt: skip
def test_an_invalid_service_has_its_error_and_the_others_are_valid(
    entry: str, sentence: str
) -> None:
    found = services(f"{INFRA}  new: {{{entry}}}\n")
    errors = [error for error in found.values() if isinstance(error, str)]
    assert errors
    assert all(
        error.startswith(f"fastdeploy.yml, line 14: {sentence}") for error in errors
    )
    assert len(found) - len(errors) == 3


def test_a_date_is_a_text_and_an_alias_has_the_value_of_its_anchor() -> None:
    text = INFRA.replace("stage: live", "stage: &day 2026-01-02, other: *day")

    site = services(text)["infra/site@production"]

    assert isinstance(site, Service)
    assert {"stage": "2026-01-02", "other": "2026-01-02"} == site.fixed_variables


def test_aliases_that_expand_to_gigabytes_are_refused() -> None:
    levels = [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    bomb = "\n".join(["  a0: &a0 [lol]", *levels])
    text = f"{INFRA}defaults:\n  fixed_variables:\n{bomb}\n"

    with pytest.raises(Invalid, match=r"fastdeploy.yml, line 2\d: with its aliases"):
        services(text)


def test_defaults_that_are_too_large_for_the_number_of_services_are_refused() -> None:
    many = "".join(f"  s{n}: {{playbook: a.yml}}\n" for n in range(1000))
    text = f"{INFRA}{many}defaults: {{description: {'x' * 1900}, steps: [{'y' * 190}]}}"
    variables = f"{{fixed_variables: {{a: {'x' * 50_000}}}}}"

    assert 2003 == len(services(text))
    with pytest.raises(Invalid, match="split the project"):
        services(text.replace("defaults: {", f"defaults: {variables[:-1]}, "))


def test_a_script_has_neither_the_inventory_nor_the_options_of_playbooks() -> None:
    text = f"{INFRA}  script: {{deploy_script: bin/publish}}\n"

    found = services(f"{text}defaults: {{options: [check], timeout: 60}}\n")

    script = found["infra/script@production"]
    assert isinstance(script, Service)
    assert (60, None, ()) == (script.timeout, script.inventory, script.options)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (INFRA, True),
        (INFRA.replace("[prepare, publish]", "[{name: prepare}]"), True),
        (INFRA.replace("upgrade:", "Upgrade:"), False),
        (INFRA.replace("steps:", "colour:"), False),
        (INFRA.replace("steps: [prepare, publish]", "name: other"), False),
        (INFRA + "defaults: {environments: [staging]}\n", False),
    ],
)
def test_the_published_schema_accepts_what_a_sync_accepts(
    text: str, *, valid: bool
) -> None:
    schema = jsonschema.Draft202012Validator(project_schema.make())

    assert valid == schema.is_valid(yaml.safe_load(text))
