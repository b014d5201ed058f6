"""Credentials, schedules and acceleration in a fastdeploy.yml."""

import pytest

from app.domain.project_file import parse
from app.domain.service import Service
from app.errors import Invalid


def services(text: str) -> dict[str, Service | str]:
    return parse(text.encode("latin-1"), "infra")


ACCELERATED = """\
project: infra
environments:
  staging: {inventory: staging}
  production: {inventory: production, accelerate: none}
services:
  site: {playbook: site.yml, accelerate: mitogen}
  script: {deploy_script: run.sh}
defaults: {accelerate: mitogen}
"""


def test_the_acceleration_of_an_environment_replaces_that_of_a_service() -> None:
    found = services(ACCELERATED)

    assert {
        "infra/site@staging": "mitogen", "infra/site@production": "none",
        "infra/script@staging": "none", "infra/script@production": "none",
    } == {
        name: service.accelerate
        for name, service in found.items()
        if isinstance(service, Service)
    }  # fmt: skip


def test_an_environment_decides_whether_launches_are_confirmed() -> None:
    found = services(
        ACCELERATED.replace("production, accelerate: none", "production, confirm: true")
    )

    assert {
        "infra/site@staging": False, "infra/site@production": True,
        "infra/script@staging": False, "infra/script@production": True,
    } == {
        name: service.confirm
        for name, service in found.items()
        if isinstance(service, Service)
    }  # fmt: skip


def test_only_a_boolean_asks_for_a_confirmation() -> None:
    with pytest.raises(Invalid, match=r"line 4: environments\.production\.confirm"):
        services(
            ACCELERATED.replace(
                "production, accelerate: none", 'production, confirm: "no"'
            )
        )


CREDENTIALS = """\
project: infra
defaults: {credentials: [ssh:prod, vault:default]}
environments:
  staging: {inventory: staging}
  production: {inventory: production, credentials: [become:prod, ssh:prod]}
services:
  site: {playbook: site.yml, credentials: [token:ci]}
  upgrade: {playbook: upgrade.yml}
"""


def test_the_credentials_of_defaults_service_and_environment_are_united() -> None:
    found = services(CREDENTIALS)

    assert {
        "infra/site@production": ("ssh:prod", "vault:default", "token:ci",
                                  "become:prod"),
        "infra/site@staging": ("ssh:prod", "vault:default", "token:ci"),
        "infra/upgrade@production": ("ssh:prod", "vault:default", "become:prod"),
        "infra/upgrade@staging": ("ssh:prod", "vault:default"),
    } == {
        name: service.credentials
        for name, service in found.items()
        if isinstance(service, Service)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("credentials", "sentence"),
    [
        ("[gpg:a]", "references of the form kind:name, not 'gpg:a'"),
        ("[token:ci, token:ci]", "must name token:ci once"),
        ("[become:a, become:b]", "must name one credential of the kind become"),
        ("[git-ssh:infra]", "which git uses for the repository of a project"),
        ("ssh:prod", '"credentials" must be a list of names'),
    ],
)
def test_credentials_that_cannot_be_meant_have_the_line_of_their_service(
    credentials: str, sentence: str
) -> None:
    found = services(CREDENTIALS.replace("[token:ci]", credentials))

    error = found["infra/site@staging"]
    assert isinstance(error, str)
    assert error.startswith("fastdeploy.yml, line 7: ")
    assert sentence in error
    assert isinstance(found["infra/upgrade@staging"], Service)


SCHEDULED = """\
project: infra
environments:
  staging: {inventory: staging}
  production: {inventory: production}
services:
  site:
    playbook: site.yml
    variables:
      properties:
        version: {type: string}
        password: {type: string, writeOnly: true}
    schedules:
      - name: nightly
        cron: "0 3 * * *"
        environment: production
        variables: {version: "2"}
"""


def test_each_environment_has_its_own_schedules() -> None:
    found = services(SCHEDULED)

    assert {"infra/site@production": ["nightly"], "infra/site@staging": []} == {
        name: [each.name for each in service.schedules]
        for name, service in found.items()
        if isinstance(service, Service)
    }


_SCHEDULE = "services.site.schedules.0"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("0 3 *", "0 3", f'line 13: {_SCHEDULE}: "cron" must have five fields'),
        (
            "environment: production",
            "missed: skip",
            "line 13: the service has several environments: name one as the schedule's",
        ),
        (
            "environment: production",
            "environment: prod",
            'line 13: "prod" is not an environment of the service (there are: staging,',
        ),
        ('version: "2"', "version: 2", f"line 16: {_SCHEDULE}.variables: version"),
        (
            'version: "2"',
            "password: hidden",
            f"line 16: {_SCHEDULE}.variables: password is secret: a schedule can't set",
        ),
        (
            "      properties:",
            "      required: [password]\n      properties:",
            f"line 17: {_SCHEDULE}.variables: password is required, and secret: no",
        ),
        (
            'variables: {version: "2"}',
            "options: {check: true}",
            f"line 16: {_SCHEDULE}.options: this service does not allow the option",
        ),
    ],
)
def test_a_schedule_that_cannot_be_launched_has_its_line(
    old: str, new: str, sentence: str
) -> None:
    found = services(SCHEDULED.replace(old, new))

    problems = [each for each in found.values() if isinstance(each, str)]
    assert any(sentence in problem for problem in problems), problems
    assert not any("hidden" in problem for problem in problems)


@pytest.mark.parametrize(
    "ansible", ["<2.19", "==2.18.*", ">=2.22", ">2.21.99", "==1!2.19.0"]
)
def test_acceleration_is_refused_without_a_version_of_ansible_that_it_works_with(
    ansible: str,
) -> None:
    found = services(f'{ACCELERATED}ansible: "{ansible}"\n')

    assert (
        "fastdeploy.yml, line 9: mitogen 0.3.54 is for ansible-core 2.19 to 2.21, and "
        f'"ansible" is {ansible}: change "ansible", or remove "accelerate"'
    ) == found["infra/site@staging"]
    # The others don't use it.
    assert 3 == sum(isinstance(each, Service) for each in found.values())


@pytest.mark.parametrize(
    "ansible", [">=2.18", "~=2.19.3", "==2.20.*", "==2.21.0rc1", "!=2.20.1,<2.22"]
)
def test_acceleration_works_with_one_version_of_a_range(ansible: str) -> None:
    found = services(f'{ACCELERATED}ansible: "{ansible}"\n')

    assert isinstance(found["infra/site@staging"], Service)
