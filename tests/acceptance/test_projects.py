"""A repository with Ansible content runs as if `ansible-playbook` were typed in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from testing.command_line import command
from testing.equal_runs import Result, assert_equal, read_lines, taken
from testing.installation import Installation, installed
from testing.paths import INFRA
from testing.postgres import Postgres

PATIENCE = 150
_PLAYBOOKS = {
    "announce": "playbooks/release/announce.yml",
    "failing": "playbooks/maintenance/failing.yml",
    "handlers": "playbooks/maintenance/handlers.yml",
    "publish": "playbooks/web/publish.yml",
    "racks": "playbooks/web/racks.yml",
    "record": "playbooks/db/record.yml",
    "rolling": "playbooks/web/rolling.yml",
    "site": "playbooks/site.yml",
    "tagged": "playbooks/maintenance/tagged.yml",
    "unreachable": "playbooks/maintenance/unreachable.yml",
    "upgrade": "playbooks/web/upgrade.yml",
}
_ENVIRONMENTS = ("production", "staging")
#: What runs where: each playbook once, and one in both environments. The playbook
#: `site` imports `publish` and `record`; `racks` has requirements, with which
#: test_infra_equal.py runs it.
_RUNS = {
    "staging": sorted(_PLAYBOOKS.keys() - {"racks", "site"}),
    "production": ["rolling", "site"],
}
_CODES = {"failing": 2, "unreachable": 4}


class Infra:
    """An installation with the repository, in a copy, as a project."""

    def __init__(self, made: Installation, root: Path) -> None:
        self.made = made
        self.root = root
        self.target = root.parent / "target"
        #: The output of `fastdeploy project add`.
        self.added = ""

    def add(self) -> None:
        """Add the repository as a project, with a variable for the target folder."""
        added = command(self.made, "project", "add", str(self.root), "--yes")
        assert 0 == added.returncode, added.stderr
        self.added = added.stdout
        file = self.root / "fastdeploy.yml"
        content = yaml.safe_load(file.read_text())
        content["defaults"] = {
            "options": ["check", "diff", "limit", "tags", "skip_tags", "start_at_task",
                        "forks", "verbosity"],
            "variables": {"properties": {"target": {"type": "string"}}},
        }  # fmt: skip
        file.write_text(yaml.safe_dump(content))
        synced = self.made.sync()
        assert not synced.invalid

    def typed(self, service: str, environment: str, *flags: str) -> Result:
        """Run `ansible-playbook` as typed in the repository, but with pipelining.

        Without it, the message about a host that can't be reached is another one.
        """
        folder = self._folder(service, environment)
        bin_folder = str(Path(sys.executable).parent)
        env = {"PATH": f"{bin_folder}:{os.environ['PATH']}", "LANG": "C.UTF-8",
               "HOME": os.environ["HOME"], "ANSIBLE_FORCE_COLOR": "True",
               "ANSIBLE_SSH_PIPELINING": "True"}  # fmt: skip
        done = subprocess.run(
            ["ansible-playbook", "-i", f"inventories/{environment}",
             "-e", f"target={folder}", *flags, _PLAYBOOKS[service]],
            cwd=self.root, env=env, check=False, timeout=PATIENCE, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return Result(
            done.returncode, read_lines(done.stdout, self.root), taken(folder)
        )

    def launch(
        self, service: str, environment: str, options: Mapping[str, Any] | None = None
    ) -> int:
        """Launch the same run by FastDeploy; return its id."""
        folder = self._folder(service, environment)
        with self.made.client() as client:
            answer = client.post("/api/v1/deployments", json={
                "service": f"infra/{service}@{environment}", "options": options or {},
                "variables": {"target": str(folder)},
            })  # fmt: skip
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def result(self, number: int, service: str, environment: str) -> Result:
        """Wait until a deployment has ended, and return what it did."""
        self.made.ended(number, PATIENCE)
        code = (self.made.run_folder(number) / "rc").read_text()
        output = self.made.output(number).decode()
        folder = self.target / f"{service}-{environment}"
        return Result(int(code), read_lines(output, self.root), taken(folder))

    def _folder(self, service: str, environment: str) -> Path:
        folder = self.target / f"{service}-{environment}"
        folder.mkdir(parents=True)
        return folder


@pytest.fixture(scope="module")
def infra(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Infra]:
    folder = tmp_path_factory.mktemp("projects")
    with installed(postgres, folder) as made:
        root = folder / "infra"
        shutil.copytree(INFRA, root)
        # So that it runs with FastDeploy's own Ansible.
        (root / "collections" / "requirements.yml").unlink()
        found = Infra(made, root)
        found.add()
        made.worker()
        made.web()
        yield found


def test_adding_it_proposes_exactly_its_playbooks_and_inventories(infra: Infra) -> None:
    content = yaml.safe_load((infra.root / "fastdeploy.yml").read_text())

    assert "11 playbooks: " in infra.added
    assert "2 vaulted files: " in infra.added
    assert _PLAYBOOKS == {
        name: service["playbook"] for name, service in content["services"].items()
    }
    assert {
        name: {"inventory": f"inventories/{name}"} for name in _ENVIRONMENTS
    } == content["environments"]


@pytest.mark.parametrize("environment", _ENVIRONMENTS)
def test_each_playbook_does_what_it_does_without_fastdeploy(
    infra: Infra, environment: str
) -> None:
    names = _RUNS[environment]
    expected = {name: infra.typed(name, environment) for name in names}
    shutil.rmtree(infra.root / ".cache")  # The facts of the first runs.

    numbers = {name: infra.launch(name, environment) for name in names}
    found = {
        name: infra.result(number, name, environment)
        for name, number in numbers.items()
    }

    for name in names:
        assert_equal(expected[name], found[name])
        assert _CODES.get(name, 0) == found[name].code
    assert list((infra.root / ".cache" / "facts").iterdir())


@pytest.mark.parametrize(
    ("service", "options", "flags"),
    [
        (
            "publish",
            {"check": True, "diff": True, "limit": "web:&first"},
            ["--check", "--diff", "--limit", "web:&first"],
        ),
        (
            "tagged",
            {
                "tags": ["reset", "look", "clean"],
                "skip_tags": ["clean"],
                "forks": 3,
                "verbosity": 2,
            },
            [
                "--tags",
                "reset,look,clean",
                "--skip-tags",
                "clean",
                "--forks",
                "3",
                "-vv",
            ],
        ),
        ("tagged", {"start_at_task": "Cl*"}, ["--start-at-task", "Cl*"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_each_option_does_what_its_flag_does(
    infra: Infra, service: str, options: dict[str, Any], flags: list[str]
) -> None:
    expected = infra.typed(service, "staging", *flags)

    number = infra.launch(service, "staging", options)

    assert_equal(expected, infra.result(number, service, "staging"))
    assert 0 == expected.code
