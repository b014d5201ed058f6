"""A schedule with a ref runs what that names when its instant has come."""

import json
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from app import bootstrap
from app.domain.access import Role
from app.errors import InvalidFields
from app.project_folder import without_credentials
from app.queue import make_queue
from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy, due_schedules, schedule_changes, schedules, services
from app.usecases.due_schedules import LaunchResult
from app.usecases.schedule_sources import ScheduleSources
from app.usecases.services import SyncResult
from testing.factories import ROOT
from testing.git_repository import GitRepository
from testing.web_client import ClientFor, csrf_of

_PROJECT = """\
project: infra
environments:
  production: {inventory: hosts, refs: [main, "v*", develop]}
services:
  site:
    playbook: site.yml
    schedules:
      - {name: nightly, cron: "0 * * * *", ref: REF}
"""
NAME = "infra/site@production"
MINE = {"name": "mine", "cron": "0 * * * *"}


@dataclass(frozen=True, slots=True)
class Site:
    """A git project with a schedule."""

    store: Store
    settings: Settings
    repository: GitRepository

    @property
    def sources(self) -> ScheduleSources:
        return ScheduleSources(self.settings, without_credentials)

    def sync(self) -> SyncResult:
        settings = self.settings
        return services.sync_services(
            self.store, settings.services, settings.var, settings.node, ROOT
        )

    def launch(self, *, refs: bool = True, node: str = "") -> LaunchResult:
        """Launch at the next instant, as one of the worker's two loops does."""
        planned = schedules.find_named(self.store, NAME, "nightly").stored.next_at
        assert planned is not None
        settings = self.settings
        if node:
            settings = settings.model_copy(update={"node": node})
        return due_schedules.launch_due(
            self.store,
            make_queue(settings),
            bootstrap.make_secret_box(settings),
            moment=planned + timedelta(seconds=1),
            sources=ScheduleSources(settings, without_credentials) if refs else None,
        )

    def create(self, ref: str) -> int:
        secret_box = bootstrap.make_secret_box(self.settings)
        content = MINE | {"ref": ref}
        return schedule_changes.create(
            self.store, ROOT, NAME, content, secret_box, self.sources
        )


def commit(site: Site, branch: str, file: str) -> str:
    """Commit a file to a branch that begins at the present commit."""
    site.repository.git("checkout", "-q", "-B", branch)
    made = site.repository.commit(f"Add {file}", {file: ""})
    site.repository.git("checkout", "-q", "main")
    return made


@pytest.fixture
def site(store: Store, settings: Settings, tmp_path: Path) -> Site:
    repository = GitRepository(tmp_path / "infra")
    files = {
        "fastdeploy.yml": _PROJECT.replace("REF", "develop"),
        "site.yml": "- hosts: all\n",
        "hosts": "a\n",
    }
    repository.commit("Begin", files)
    folder = settings.services / "infra"
    folder.mkdir(parents=True)
    source = {"git": f"file://{repository.folder}"}
    (folder / "project.json").write_text(json.dumps(source))
    made = Site(store, settings, repository)
    commit(made, "develop", "first")
    commit(made, "private", "private")
    assert (NAME,) == made.sync().valid
    return made


def test_the_newest_commit_of_the_branch_is_launched_once(site: Site) -> None:
    """Without a sync in between, and by a node that has the project."""
    site.repository.git("checkout", "-q", "develop")
    newest = site.repository.commit("Later", {"later": ""})
    site.repository.git("checkout", "-q", "main")

    assert [] == site.launch(refs=False).launched
    assert [] == site.launch(node="elsewhere").launched
    (number,) = site.launch().launched

    found = deploy.find(site.store, number)
    assert (newest, "refs/heads/develop") == (found.commit, found.ref)
    stored = schedules.find_named(site.store, NAME, "nightly").stored
    assert (number, "") == (stored.last_deployment, stored.problem)


def test_a_branch_that_is_gone_is_not_launched_and_the_reason_is_recorded(
    site: Site,
) -> None:
    site.repository.git("branch", "-q", "-D", "develop")

    assert [] == site.launch().launched

    problem = schedules.find_named(site.store, NAME, "nightly").stored.problem
    assert problem.startswith("not launched: ")
    assert "develop" in problem


@pytest.mark.parametrize("ref", ["nowhere", "private"])
def test_a_ref_that_may_not_be_deployed_is_refused_when_it_is_saved(
    site: Site, ref: str
) -> None:
    with pytest.raises(InvalidFields) as caught:
        site.create(ref)
    assert ["ref"] == list(caught.value.problems)

    site.repository.commit("Name it", {"fastdeploy.yml": _PROJECT.replace("REF", ref)})
    problem = site.sync().invalid[NAME]
    assert problem.startswith("fastdeploy.yml")
    assert "schedules.0.ref: " in problem


def test_a_schedule_of_the_browser_runs_now_at_its_ref(
    site: Site, client_for: ClientFor
) -> None:
    client = client_for(Role.DEPLOYER)
    token = csrf_of(client, site.store)
    form = MINE | {"service": NAME, "timezone": "UTC", "csrf_token": token}

    refused = client.post("/new-schedule", data=form | {"ref": "nowhere"})
    created = client.post("/new-schedule", data=form | {"ref": "develop"})

    assert (422, 303) == (refused.status_code, created.status_code)
    assert 'id="ref"' in unescape(refused.text)
    one = schedules.find_named(site.store, NAME, "mine").stored
    assert "<code>develop</code>" in client.get(f"/schedules/{one.id}").text
    assert "develop" == client.get(f"/api/v1/schedules/{one.id}").json()["ref"]
    ran = client.post(
        f"/api/v1/schedules/{one.id}/run", headers={"X-CSRF-Token": token}
    )
    assert "refs/heads/develop" == deploy.find(site.store, ran.json()["id"]).ref
