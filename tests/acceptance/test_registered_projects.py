"""The runner of a registered project decides which commits run, whatever is asked."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from testing.git_repository import GitRepository

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
class Registered:
    """A registered project, and commits by the names of tests."""

    folder: Path
    data: Path
    repository: GitRepository
    commits: dict[str, str]

    def run(self, name: str, commit: str, ref: str = "") -> tuple[int, str]:
        """Return the exit code of a run, and what it printed."""
        config = self.folder.with_name("config.json")
        content = {"deployment_id": 1, "service_name": name, "ref": ref,
                   "commit": self.commits.get(commit, commit)}  # fmt: skip
        config.write_text(json.dumps(content))
        done = subprocess.run(
            [sys.executable, "-P", "-m", "app.runner", "--project", self.folder,
             "--data", self.data, "--config", config],
            check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Registered:
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
    return Registered(folder, base / "data", repository, commits)


def test_an_allowed_commit_runs(infra: Registered) -> None:
    code, printed = infra.run("infra/site@production", "v1", "refs/tags/v1")

    assert (0, True) == (code, "the allowed commit" in printed)


def test_only_the_user_of_the_runs_can_enter_its_mirror(infra: Registered) -> None:
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
    infra: Registered, name: str, commit: str, ref: str, sentence: str
) -> None:
    code, printed = infra.run(name, commit, ref)

    assert (64, True) == (code, sentence in printed), printed


def test_a_description_that_root_keeps_replaces_that_of_the_commit(
    infra: Registered,
) -> None:
    kept = infra.folder / "fastdeploy.yml"
    kept.write_text(_DESCRIPTION.replace("site: {", "kept: {"))

    code, printed = infra.run("infra/kept@staging", "main")
    other, refused = infra.run("infra/site@staging", "main")
    kept.unlink()

    assert (0, True) == (code, "the allowed commit" in printed)
    assert (64, True) == (other, "doesn't define infra/site@staging" in refused)


def test_a_commit_is_refused_once_its_branch_has_been_reset(infra: Registered) -> None:
    """Although the mirror of the runner still has it."""
    infra.repository.write({"more": "wrong"})
    infra.commits["wrong"] = infra.repository.commit("Wrong")
    before, _ = infra.run("infra/site@staging", "wrong")
    infra.repository.git("reset", "--quiet", "--hard", "HEAD~1")

    code, printed = infra.run("infra/site@staging", "wrong")

    assert (0, 64) == (before, code)
    assert "is not in a branch or tag" in printed
