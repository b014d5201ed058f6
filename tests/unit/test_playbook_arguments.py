"""The arguments of ansible-playbook, compared with those of ansible-runner."""

from pathlib import Path

import pytest
from ansible_runner.config.runner import RunnerConfig

from app.runner import private_data_dir
from app.runner.playbook import determine_arguments


@pytest.mark.parametrize("named", [None, "hosts.yml"])
@pytest.mark.parametrize("own", [False, True], ids=["without-own", "with-own"])
def test_the_arguments_are_those_of_ansible_runner(
    tmp_path: Path, named: str | None, *, own: bool
) -> None:
    project, private = tmp_path / "project", tmp_path / "private"
    for folder in (project, private):
        folder.mkdir()
    inventory = project / named if named else None
    if inventory:
        inventory.touch()
    private_data_dir.prepare(private, {"variable": "text"}, inventory=own)
    playbook = project / "site.yml"
    expected = RunnerConfig(
        private_data_dir=str(private), project_dir=str(project),
        playbook=str(playbook), inventory=str(inventory) if inventory else None,
    )  # fmt: skip
    expected.prepare()

    found = determine_arguments(playbook, inventory, private)

    assert expected.command == ["ansible-playbook", *found]
