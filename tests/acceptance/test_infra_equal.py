"""A repository runs on a real SSH host as typed in it, with two versions of Ansible.

Both versions have an execution environment with the requirements of the repository.
The same command is run by FastDeploy and typed, or, for its events, run by
ansible-runner, which executes the same `ansible-playbook`.
"""

import functools
import getpass
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.domain.deployment import Status
from testing import equal_events, equal_runs
from testing.command_line import command
from testing.equal_runs import Result, read_lines, taken
from testing.git_repository import GitRepository
from testing.installation import Installation, installed
from testing.paths import GALAXY, INFRA, NEWER_PYTHONS, ROOT
from testing.postgres import Postgres
from testing.sshd import Sshd, running

#: Seconds for a run, which may build an execution environment.
PATIENCE = 180
_VERSIONS = {"oldest": ">=2.19,<2.20", "newest": ">=2.20"}
_REMOTE = """\
ansible_connection: ssh
ansible_host: 127.0.0.1
ansible_port: {host.port}
ansible_user: {user}
ansible_ssh_private_key_file: {host.user_key}
ansible_ssh_common_args: >-
  -F none -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes
  -o UserKnownHostsFile={host.known_hosts} -o GlobalKnownHostsFile=/dev/null
ansible_ssh_args: -o ControlMaster=auto -o ControlPersist=5s
"""
_RUNNER = """\
import ansible_runner, json, sys
sys.exit(ansible_runner.run(**json.loads(sys.argv[1])).rc)
"""
_PLAYBOOKS = {"racks": "playbooks/web/racks.yml", "site": "playbooks/site.yml"}


@dataclass(frozen=True)
class Project:
    """The repository, in a copy of its own, as the project of one Ansible version."""

    made: Installation
    name: str
    root: Path

    @property
    def target(self) -> Path:
        """The folder that the playbooks write to."""
        return self.root / ".cache" / "target"

    def deploy(
        self, service: str, environment: str = "remote", **options: Any
    ) -> tuple[Result, list[Any]]:
        """Run a service by FastDeploy; return what it did, and its events."""
        self._empty()
        with self.made.client() as client:
            answer = client.post("/api/v1/deployments", json={
                "service": f"{self.name}/{service}@{environment}", "options": options,
                "variables": {"target": str(self.target)},
            })  # fmt: skip
        assert answer.status_code == 201, answer.text
        ended = self.made.ended(answer.json()["id"], PATIENCE)
        folder = self.made.run_folder(ended.id)
        output = self.made.output(ended.id).decode()
        assert Status.SUCCESSFUL == ended.status, ended.reason + output
        code = int((folder / "rc").read_text())
        done = Result(code, self._lines(_without_build(output)), taken(self.target))
        journal = _without_build((folder / "journal").read_text())
        assert ('"speed": "mitogen 0.3' in journal) is (environment == "fast")
        return done, equal_events.in_journal(self._relative(journal).encode())

    def type(self, service: str, flags: Sequence[str]) -> Result:
        """Type `ansible-playbook` in the repository."""
        self._empty()
        done = subprocess.run(
            ["ansible-playbook", *self._arguments(flags), _PLAYBOOKS[service]],
            cwd=self.root, env=self._environment(), check=False, timeout=PATIENCE,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return Result(done.returncode, self._lines(done.stdout), taken(self.target))

    @functools.cache  # noqa: B019 - two tests compare with the same run
    def call_ansible_runner(
        self, service: str, *flags: str
    ) -> tuple[int, list[Any], dict[str, bytes]]:
        """Run the same by ansible-runner; return the exit code, events and files."""
        self._empty()
        private = self.root / ".cache" / "private"
        private.mkdir()
        asked = {
            "private_data_dir": str(private), "project_dir": str(self.root),
            "playbook": _PLAYBOOKS[service], "ident": "x", "quiet": True,
            "cmdline": shlex.join(self._arguments(flags)),
            # ansible-runner replaces the folder that ansible.cfg names.
            "envvars": {"ANSIBLE_CALLBACK_PLUGINS": str(self.root / "callback_plugins")}
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", _RUNNER, json.dumps(asked)], cwd=ROOT,
            env=self._environment(), check=False, timeout=PATIENCE,
        )  # fmt: skip
        files = (private / "artifacts" / "x" / "job_events").glob("*.json")
        events = [json.loads(self._relative(file.read_text())) for file in files]
        events.sort(key=lambda event: int(event["counter"]))
        return done.returncode, events, taken(self.target)

    def _arguments(self, flags: Sequence[str]) -> list[str]:
        return ["-i", "inventories/remote", "-e", f"target={self.target}", *flags]

    def _empty(self) -> None:
        """Remove cached facts and what earlier runs wrote."""
        shutil.rmtree(self.root / ".cache", ignore_errors=True)
        self.target.mkdir(parents=True)

    def _environment(self) -> dict[str, str]:
        """Return the environment of a shell in which the requirements are installed."""
        listed = json.loads(command(self.made, "environment", "list", "--json").stdout)
        [name] = [each["name"] for each in listed if self.name in each["projects"]]
        folder = self.made.settings.data / "environments" / name
        return {
            "PATH": f"{folder}/venv/bin:{os.environ['PATH']}",
            "LANG": "C.UTF-8", "HOME": os.environ["HOME"],
            "ANSIBLE_FORCE_COLOR": "True", "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_ROLES_PATH": f"{self.root}/roles:{folder}/roles",
            "ANSIBLE_COLLECTIONS_PATH": f"{folder}/collections",
        }  # fmt: skip

    def _lines(self, output: str) -> list[str]:
        return read_lines(self._relative(output), self.root)

    def _relative(self, text: str) -> str:
        return text.replace(f"{self.root}/", "")


def _without_build(text: str) -> str:
    """Remove what was printed before the run: the first one builds an environment."""
    lines = text.splitlines(keepends=True)
    steps = [n for n, line in enumerate(lines) if '"execution environment"' in line]
    return "".join(lines[max(steps, default=-1) + 1 :])


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running(tmp_path_factory.mktemp("ssh")) as started:
        yield started


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    with installed(postgres, tmp_path_factory.mktemp("equal")) as made:
        made.worker(PATH=NEWER_PYTHONS)
        made.web()
        yield made


@pytest.fixture(scope="module", params=_VERSIONS)
def project(request: pytest.FixtureRequest, site: Installation, host: Sshd) -> Project:
    """The project for one version of Ansible, with the remote host's inventory."""
    version: str = request.param
    root = site.services.parent / version
    write_repository(root, host)
    added = command(site, "project", "add", str(root), "--yes")
    assert 0 == added.returncode, added.stderr
    file = root / "fastdeploy.yml"
    content = yaml.safe_load(file.read_text())
    assert ["collections/requirements.yml"] == content["requirements"]
    content |= {
        "ansible": _VERSIONS[version],
        "defaults": {
            "options": ["check", "diff", "limit", "tags", "skip_tags", "start_at_task",
                        "forks", "verbosity"],
            "variables": {"properties": {"target": {"type": "string"}}},
            "environment": git_at(root.parent),
            # With it, results have diffs, which ansible-runner isn't asked for.
            "file_history": False,
        },
    }  # fmt: skip
    content["environments"]["fast"] = {
        **content["environments"]["remote"], "accelerate": "mitogen"
    }  # fmt: skip
    file.write_text(yaml.safe_dump(content))
    assert not site.sync().invalid
    return Project(site, version, root)


def write_repository(root: Path, host: Sshd) -> None:
    """Write the repository, and what it requires from git and from an archive."""
    shutil.copytree(INFRA, root)
    remote = root / "inventories" / "remote"
    shutil.copytree(root / "inventories" / "staging", remote)
    variables = remote / "group_vars" / "all" / "main.yml"
    local = variables.read_text()
    assert "ansible_connection: local\n" in local
    variables.write_text(
        local.replace(
            "ansible_connection: local\n",
            _REMOTE.format(host=host, user=getpass.getuser()),
        )
    )
    (root / "vendor").mkdir()
    with tarfile.open(root / "vendor" / "motd.tar.gz", "w:gz") as archive:
        archive.add(GALAXY / "motd", "motd")
    racks = root.parent / "git" / "racks.git"
    if not racks.exists():
        shutil.copytree(GALAXY / "racks", racks)
        repository = GitRepository(racks)
        repository.git("init", "--quiet", "--initial-branch=main")
        repository.commit("Add a filter")
        repository.git("tag", "v1")


def git_at(folder: Path) -> Mapping[str, str]:
    """Return the variables with which git finds git.example.org in a folder."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{folder}/git/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example.org/",
    }


def test_what_it_requires_is_installed_and_its_output_and_files_are_as_typed(
    project: Project,
) -> None:
    done, _ = project.deploy("racks", limit="web1")

    expected = project.type("racks", ["--limit", "web1"])

    equal_runs.assert_equal(expected, done)
    version = {"oldest": "2.19", "newest": "2.2"}[project.name]
    assert f"web1 serves staging, by Ansible {version}" in (
        done.files["web1/motd 100644"].decode()
    )
    assert b"rack north, first floor" in done.files["web1/label 100644"]


@pytest.mark.parametrize(
    ("service", "environment", "options", "flags"),
    [
        (
            "site",
            "remote",
            {"limit": "web1:db", "diff": True, "forks": 2, "verbosity": 1},
            ["--limit", "web1:db", "--diff", "--forks", "2", "-v"],
        ),
        (
            "site",
            "fast",
            {"limit": "web1:db", "diff": True, "forks": 2, "verbosity": 1},
            ["--limit", "web1:db", "--diff", "--forks", "2", "-v"],
        ),
        (
            "racks",
            "remote",
            {"check": True, "tags": ["label", "motd"], "skip_tags": ["motd"],
             "start_at_task": "publish*"},
            ["--check", "--tags", "label,motd", "--skip-tags", "motd",
             "--start-at-task", "publish*"],
        ),
    ],
    ids=["site", "mitogen", "racks"],
)  # fmt: skip
def test_its_events_exit_code_and_files_are_those_of_ansible_runner(
    project: Project,
    service: str,
    environment: str,
    options: dict[str, Any],
    flags: list[str],
) -> None:
    done, events = project.deploy(service, environment, **options)

    code, expected, files = project.call_ansible_runner(service, *flags)

    equal_events.assert_equal(expected, events)
    assert (code, files) == (done.code, done.files)
    assert bool(files) is not bool(options.get("check"))
