"""Sync and doctor say whether mitogen works with the Ansible of a service's runs."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from app import ansible_version, project
from app.doctor import diagnosis
from app.domain.finding import Level
from app.runner.execution_environment import Requirements, place_of
from app.settings import Settings
from app.store.store import Store
from app.usecases import services
from testing.factories import ROOT

PROJECT = """\
project: infra
ansible: ">=2.19"
services:
  site: {playbook: site.yml, accelerate: mitogen}
  plain: {playbook: site.yml}
"""


@pytest.fixture
def folder(settings: Settings) -> Path:
    """The folder of a project whose runs have an Ansible of their own."""
    made = settings.services / "infra"
    made.mkdir(parents=True)
    (made / "fastdeploy.yml").write_text(PROJECT)
    (made / "site.yml").write_text("- hosts: localhost\n  tasks: []\n")
    return made


def warnings(store: Store, settings: Settings) -> list[str]:
    found = services.sync_services(
        store, settings.services, settings.data, settings.node, ROOT
    )
    assert ("infra/plain", "infra/site") == found.valid
    return list(found.warnings.values())


def examined(store: Store, settings: Settings) -> tuple[Level, str]:
    report = diagnosis.examine(store, settings)
    [found] = [each for each in report.findings if each.subject.endswith(": mitogen")]
    assert "infra/site: mitogen" == found.subject
    return found.level, found.message


def build(settings: Settings, folder: Path, ansible_core: str) -> None:
    """Write the description of the project's execution environment."""
    requirements = Requirements(folder.resolve(), (), (), ">=2.19")
    place = place_of(requirements, settings.data.absolute())
    place.folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"ansible_core": ansible_core})
    (place.folder / "environment.json").write_text(content)


@pytest.mark.usefixtures("folder")
def test_an_environment_that_is_not_built_may_work(
    store: Store, settings: Settings
) -> None:
    assert [] == warnings(store, settings)
    level, sentence = examined(store, settings)
    assert Level.OK is level
    assert "mitogen 0.3.54 is for ansible-core 2.19 to 2.21" in sentence


def test_the_version_in_a_built_environment_decides(
    store: Store, settings: Settings, folder: Path
) -> None:
    build(settings, folder, "2.20.1")
    assert [] == warnings(store, settings)
    assert (Level.OK, "It works with ansible-core 2.20.1.") == examined(store, settings)

    build(settings, folder, "2.22.0")
    problem = (
        "Runs do without mitogen: mitogen 0.3.54 is for ansible-core 2.19 to 2.21, and "
        "they have 2.22.0. Install a version of ansible-core in this range, or remove "
        '"accelerate".'
    )
    assert [f"infra/site: {problem}"] == warnings(store, settings)
    assert (Level.WARNING, problem) == examined(store, settings)


def test_without_requirements_the_installed_version_decides(
    store: Store, settings: Settings, folder: Path
) -> None:
    (folder / "fastdeploy.yml").write_text(PROJECT.replace('ansible: ">=2.19"\n', ""))
    own = version("ansible-core")

    assert [] == warnings(store, settings)
    assert own == ansible_version.installed(project.own_ansible().packages)
    assert f"It works with ansible-core {own}." == examined(store, settings)[1]
