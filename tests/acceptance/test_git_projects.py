"""Projects from git: each deployment runs a commit, in a tree of its own."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import run

import pytest

from app.domain.deployment import Status
from app.usecases import retention
from testing.command_line import command
from testing.git_project import DESCRIPTION, Repository, deploy, message, refusal
from testing.installation import Installation, installed
from testing.postgres import Postgres


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with one commit."""
    repository = Repository(tmp_path_factory.mktemp("git") / "infra")
    repository.release("1")
    repository.git("tag", "v1")
    return repository


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, infra: Repository
) -> Iterator[Installation]:
    """An installation to which the repository was added."""
    with installed(postgres, tmp_path_factory.mktemp("projects")) as made:
        added = command(made, "project", "add", f"file://{infra.folder}", "--yes")
        assert added.returncode == 0, added.stderr
        made.worker()
        made.web()
        yield made


def test_a_launch_runs_the_newest_commit_of_the_default_branch(
    site: Installation, infra: Repository
) -> None:
    newest = infra.release("2")

    deployment = deploy(site, "infra/site@staging")

    assert deployment.status is Status.SUCCESSFUL, deployment.reason
    assert (newest, "refs/heads/main") == (deployment.commit, deployment.ref)
    assert "release 2 on staging1, hello" in message(site, deployment)


def test_a_tag_and_a_commit_can_be_chosen(
    site: Installation, infra: Repository
) -> None:
    first = infra.git("rev-parse", "v1^{commit}")

    by_tag = deploy(site, "infra/site@staging", "v1")
    by_commit = deploy(site, "infra/site@staging", first)

    assert "release 1 on" in message(site, by_tag)
    assert "release 1 on" in message(site, by_commit)
    assert ("v1", first[:10]) == (by_tag.version, by_commit.version)


def test_a_script_runs_in_the_tree_of_its_commit(site: Installation) -> None:
    deployment = deploy(site, "infra/script@staging", "v1")

    assert deployment.status is Status.SUCCESSFUL, deployment.reason
    assert "script of release 1 in test" in site.lines(deployment.id)


def test_an_environment_accepts_only_commits_of_its_refs(
    site: Installation, infra: Repository
) -> None:
    infra.release("3")

    why = refusal(site, "infra/site@production")
    deployment = deploy(site, "infra/site@production", "v1")

    assert "v*" in why
    assert deployment.status is Status.SUCCESSFUL, deployment.reason


def test_a_commit_that_allows_itself_an_environment_is_refused(
    site: Installation, infra: Repository
) -> None:
    infra.git("checkout", "--quiet", "-b", "open")
    infra.release("open", DESCRIPTION.replace(', refs: ["v*"]', ""))
    infra.git("checkout", "--quiet", "main")

    assert "v*" in refusal(site, "infra/site@production", "open")


def test_a_retry_runs_the_same_commit_after_the_branch_has_moved(
    site: Installation, infra: Repository
) -> None:
    before = deploy(
        site, "infra/site@staging", options={"check": True}, variables={"word": "bye"}
    )
    infra.release("4", DESCRIPTION.replace("hello", "changed"))
    site.sync()

    with site.client() as client:
        answer = client.post(f"/api/v1/deployments/{before.id}/retry")
    again = site.ended(answer.json()["id"])

    assert (before.commit, before.ref) == (again.commit, again.ref)
    assert before.service == again.service
    assert (before.variables, before.options) == (again.variables, again.options)
    assert again.options.check
    assert {"word": "bye"} == again.variables
    assert message(site, before) == message(site, again)


def test_a_retry_whose_commit_was_removed_is_refused(
    site: Installation, infra: Repository
) -> None:
    infra.git("checkout", "--quiet", "-b", "short-lived")
    infra.release("gone")
    before = deploy(site, "infra/site@staging", "short-lived")
    infra.git("checkout", "--quiet", "main")
    infra.git("branch", "--quiet", "-D", "short-lived")
    site.sync()

    with site.client() as client:
        answer = client.post(f"/api/v1/deployments/{before.id}/retry")

    assert answer.status_code == 409
    assert f"deployment {before.id} can't be retried at its commit: " in answer.text
    assert before.commit[:10] in answer.text


def test_a_playbook_that_disappeared_in_the_commit_is_named(
    site: Installation, infra: Repository
) -> None:
    infra.git("checkout", "--quiet", "-b", "without")
    infra.git("rm", "--quiet", "playbooks/site.yml")
    infra.git("commit", "--quiet", "--message", "Remove the playbook")
    infra.git("checkout", "--quiet", "main")

    why = refusal(site, "infra/site@staging", "without")

    commit = infra.git("rev-parse", "without")[:12]
    assert why == (
        "infra/site@staging can't be deployed at without: fastdeploy.yml, line 7, "
        'environment staging: "playbooks/site.yml" of "playbook" is missing in commit '
        f'{commit}: add it, or correct "playbook".'
    )


def test_a_force_push_after_the_launch_stops_the_run_before_it_starts(
    postgres: Postgres, tmp_path: Path
) -> None:
    repository = Repository(tmp_path / "infra")
    repository.release("1")
    with installed(postgres, tmp_path / "installation") as site:
        command(site, "project", "add", f"file://{repository.folder}", "--yes")
        queued = command(site, "deploy", "infra/site@staging")
        repository.git("commit", "--quiet", "--amend", "--message", "Another")
        site.sync()
        site.worker()
        deployment = site.ended(1)

    assert queued.returncode == 0, queued.stderr
    assert deployment.status is Status.FAILED
    assert "is not in" in deployment.reason or "not reachable" in deployment.reason


def test_a_signed_tag_is_launched_in_an_environment_with_refs(
    site: Installation, infra: Repository, tmp_path: Path
) -> None:
    """The tag is signed in place of its commit, which alone has no signature."""
    key, signers = tmp_path / "key", tmp_path / "signers"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signers.write_text(f"author@example.org {key.with_suffix('.pub').read_text()}")
    infra.release("signed")
    infra.git(
        "-c", "gpg.format=ssh", "-c", f"user.signingKey={key}",
        "tag", "-s", "-m", "x", "v-signed",
    )  # fmt: skip
    file = site.settings.services / "infra" / "project.json"
    before = file.read_text()
    file.write_text(json.dumps(json.loads(before) | {"allowed_signers": str(signers)}))
    try:
        launched = deploy(site, "infra/site@production", "v-signed")
        unsigned = refusal(site, "infra/site@production", launched.commit)
    finally:
        file.write_text(before)

    assert Status.SUCCESSFUL is launched.status
    assert "has no valid signature" in unsigned


def test_a_repository_that_is_away_keeps_its_services_but_launches_only_known_commits(
    postgres: Postgres, tmp_path: Path
) -> None:
    repository = Repository(tmp_path / "infra")
    known = repository.release("1")
    with installed(postgres, tmp_path / "installation") as site:
        command(site, "project", "add", f"file://{repository.folder}", "--yes")
        shutil.move(repository.folder, tmp_path / "away")
        synced = site.sync()
        site.worker()
        site.web()
        why = refusal(site, "infra/site@staging")
        deployment = deploy(site, "infra/site@staging", known)

    assert "infra" in synced.warnings
    assert "infra/site@staging" in synced.valid
    assert str(repository.folder) in why
    assert deployment.status is Status.SUCCESSFUL, deployment.reason


def test_trees_are_removed_when_no_kept_deployment_needs_them(
    site: Installation, infra: Repository
) -> None:
    trees = site.settings.var / "projects" / "infra" / "trees"
    infra.release("5")
    old = deploy(site, "infra/site@staging")
    infra.release("6")
    new = deploy(site, "infra/site@staging")
    site.sync()
    assert (trees / old.commit).is_dir()

    keep_one = site.settings.model_copy(update={"keep_deployments": 1})
    retention.prune(site.store, keep_one)

    assert (trees / new.commit).is_dir()
    assert not (trees / old.commit).exists()


def test_the_page_lists_what_came_in(site: Installation, infra: Repository) -> None:
    deploy(site, "infra/site@staging", "v1")
    infra.release("7")
    newest = deploy(site, "infra/site@staging")

    with site.client() as client:
        page = client.get(f"/deployments/{newest.id}/commits").text

    assert "Release 7" in page
    assert "playbooks/site.yml" in page


def test_a_folder_records_its_commit_and_its_changes(
    site: Installation, tmp_path: Path
) -> None:
    repository = Repository(tmp_path / "local")
    head = repository.release("1", DESCRIPTION.replace("infra", "local"))
    command(site, "project", "add", str(repository.folder), "--yes")

    clean = deploy(site, "local/site@staging")
    (repository.folder / "release").write_text("2")
    changed = deploy(site, "local/site@staging")

    assert (head, "") == (clean.commit, clean.changes)
    assert head == changed.commit
    assert changed.changes
