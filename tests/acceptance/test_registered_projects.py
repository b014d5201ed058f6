"""The runner of a registered project decides which commits run, whatever is asked."""

import contextlib
import getpass
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.domain import host_key_report
from testing.git_http import GitHttp
from testing.git_repository import GitRepository
from testing.sshd import running

_DESCRIPTION = """\
project: infra
environments:
  staging: {inventory: hosts}
  production: {inventory: hosts, refs: ["refs/tags/v*"]}
services:
  site: {playbook: site.yml}
  script: {deploy_script: run.sh, environments: [staging]}
"""
_PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: "the allowed commit"}
"""


@dataclass(frozen=True)
class RegisteredProject:
    """A registered project, and commits by the names of tests."""

    folder: Path
    data: Path
    repository: GitRepository
    commits: dict[str, str]

    def run(
        self,
        name: str,
        commit: str,
        ref: str = "",
        *,
        credentials: Mapping[str, object] | None = None,
        owner: int = -1,
    ) -> tuple[int, str]:
        """Return the exit code of a run, and what it printed.

        `owner` is the user id of the user who has written the config file.
        """
        config = self.folder.with_name("config.json")
        content = {"deployment_id": 1, "service_name": name, "ref": ref,
                   "commit": self.commits.get(commit, commit),
                   "credentials": credentials or {}}  # fmt: skip
        config.unlink(missing_ok=True)
        config.write_text(json.dumps(content))
        os.chown(config, owner, -1)
        done = subprocess.run(
            [sys.executable, "-P", "-m", "app.runner", "--project", self.folder,
             "--data", self.data, "--config", config, "--credentials", self.placed],
            check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout

    @property
    def placed(self) -> Path:
        """The folder with placed credentials."""
        return self.folder.with_name("placed")

    @contextlib.contextmanager
    def fetched_with(self, url: str, credential: str) -> Iterator[None]:
        """Register the project with another URL and a credential, for a while."""
        file = self.folder / "project.json"
        before = file.read_text()
        changed = {"git": url, "credential": credential}
        file.write_text(json.dumps(json.loads(before) | changed))
        try:
            yield
        finally:
            file.write_text(before)


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> RegisteredProject:
    """A project with commits that main, a tag, and no allowed ref contain."""
    base = tmp_path_factory.mktemp("registered")
    repository = GitRepository(base / "repository")
    repository.write({"fastdeploy.yml": _DESCRIPTION, "site.yml": _PLAYBOOK,
                      "hosts": "one ansible_connection=local\n",
                      "run.sh": "#!/bin/sh\n"})  # fmt: skip
    commits = {"v1": repository.commit("First")}
    repository.git("tag", "v1")
    repository.write({"more": "more"})
    commits["main"] = repository.commit("Second")
    repository.git("rm", "--quiet", "site.yml")
    commits["without"] = repository.commit_index("Remove the playbook")
    repository.git("revert", "--no-edit", "HEAD")
    repository.git("checkout", "--quiet", "-b", "feature")
    repository.write({"more": "feature"})
    commits["feature"] = repository.commit("Third")
    repository.git("checkout", "--quiet", "main")
    folder = base / "infra"
    folder.mkdir()
    registration = {"run_as": "deploy", "run_group": "fastdeploy-run"}
    (folder / "project.json").write_text(json.dumps({
        "git": str(repository.folder), "ref": "main", "refs": ["main", "v*"],
        "registration": registration,
    }))  # fmt: skip
    return RegisteredProject(folder, base / "data", repository, commits)


def test_an_allowed_commit_runs(infra: RegisteredProject) -> None:
    code, printed = infra.run("infra/site@production", "v1", "refs/tags/v1")

    assert (0, True) == (code, "the allowed commit" in printed)


def test_only_the_user_of_the_runs_can_enter_its_mirror(
    infra: RegisteredProject,
) -> None:
    infra.run("infra/site@staging", "v1")

    assert 0o40700 == (infra.data / "projects" / "infra").stat().st_mode


@pytest.mark.parametrize(
    ("name", "commit", "ref", "sentence"),
    [
        ("infra/site@staging", "feature", "", "must be in an allowed ref"),
        ("infra/site@production", "main", "", "must be in an allowed ref"),
        ("infra/site@staging", "f" * 40, "", "has no commit"),
        ("infra/site@staging", "main", "--help", "must be the full name"),
        ("infra/site@staging", "--help", "", "needs a commit"),
        ("other/site@staging", "main", "", "not a service of the project infra"),
        ("../infra/site", "main", "", "not a service of the project infra"),
        ("infra/script@staging", "main", "", "is a script"),
        ("infra/site@staging", "without", "",
         'line 6, environment staging: "site.yml" of "playbook" is missing in commit '),
    ],
    ids=["branch", "environment", "unknown", "ref", "commit", "project", "path",
         "script", "playbook"],
)  # fmt: skip
def test_anything_else_is_refused_with_a_sentence(
    infra: RegisteredProject, name: str, commit: str, ref: str, sentence: str
) -> None:
    code, printed = infra.run(name, commit, ref)

    assert (64, True) == (code, sentence in printed), printed


def test_a_description_that_root_keeps_replaces_that_of_the_commit(
    infra: RegisteredProject,
) -> None:
    kept = infra.folder / "fastdeploy.yml"
    kept.write_text(_DESCRIPTION.replace("site: {", "kept: {"))

    code, printed = infra.run("infra/kept@staging", "main")
    other, refused = infra.run("infra/site@staging", "main")
    kept.unlink()

    assert (0, True) == (code, "the allowed commit" in printed)
    assert (64, True) == (other, "doesn't define infra/site@staging" in refused)


def test_a_commit_is_refused_once_its_branch_has_been_reset(
    infra: RegisteredProject,
) -> None:
    """Although the mirror of the runner still has it."""
    infra.repository.write({"more": "wrong"})
    infra.commits["wrong"] = infra.repository.commit("Wrong")
    before, _ = infra.run("infra/site@staging", "wrong")
    infra.repository.git("reset", "--quiet", "--hard", "HEAD~1")

    code, printed = infra.run("infra/site@staging", "wrong")

    assert (0, 64) == (before, code)
    assert "is not in a branch or tag" in printed


@pytest.mark.skipif(os.geteuid() != 0, reason="the config file gets another owner")
def test_the_runner_fetches_with_the_credential_that_root_names(
    infra: RegisteredProject,
) -> None:
    """It was handed over by the launch, or placed by root, which takes precedence."""
    reference, token = "git-token:infra", "canary-token-91b7"
    name, of_user = "infra/site@staging", infra.placed / pwd.getpwuid(0).pw_name
    given = {reference: {"value": token}}
    wrong = {reference: {"value": "wrong"}}
    command = {reference: {"command": ["touch", str(infra.placed)]}}
    root = infra.repository.folder.parent
    with (
        GitHttp(root, "x-access-token", token).serving() as server,
        infra.fetched_with(f"{server.address}/repository/.git", reference),
    ):
        infra.commits["new"] = infra.repository.commit("New")
        refused = [
            infra.run(name, "new"),
            infra.run(name, "new", credentials=wrong, owner=1),
            infra.run(name, "new", credentials=command, owner=1),
            infra.run(name, "new", credentials={"git-token:other": {}}, owner=1),
        ]
        handed_over = infra.run(name, "new", credentials=given, owner=1)
        of_user.mkdir(parents=True)
        file = of_user / "git-token.infra.json"
        file.write_text(json.dumps({"command": ["echo", token]}))
        file.chmod(0o600)
        infra.commits["newer"] = infra.repository.commit("Newer")
        placed = infra.run(name, "newer", credentials=wrong, owner=1)

    assert [0, 0] == [handed_over[0], placed[0]], (handed_over, placed)
    for (code, printed), sentence in zip(
        refused,
        ["needs the credential git-token:infra", "Authentication failed",
         "has a command", "needs the credential git-token:infra"], strict=True,
    ):  # fmt: skip
        assert (64, True) == (code, sentence in printed), printed
    printed = "".join(text for _, text in [*refused, handed_over, placed])
    assert token not in printed


def test_a_run_reports_the_refused_key_of_its_git_server(
    infra: RegisteredProject, tmp_path: Path
) -> None:
    """Only the deploy user fetches there, so the page of the project can't show it."""
    with running(tmp_path) as server:
        url = f"ssh://{getpass.getuser()}@127.0.0.1:{server.port}/nothing"
        key = {"private_key": server.user_key.read_text()}
        with infra.fetched_with(url, "git-ssh:infra"):
            code, printed = infra.run(
                "infra/site@staging", "1" * 40, credentials={"git-ssh:infra": key}
            )

    found = json.loads(printed.splitlines()[-1])
    report = host_key_report.parse(found["host_key"])
    assert 64 == code
    assert report is not None
    assert report.key is not None
    assert (server.name, server.fingerprint) == (report.name, report.key.fingerprint)
    assert "accept it on the deployment's page" in str(report)
