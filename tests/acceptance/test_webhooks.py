"""A signed push launches the pushed commit once, and its status is sent back."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, text

from app import bootstrap
from app.domain.deployment import Status
from app.domain.webhook import Provider
from app.store.deployment_tables import deployments
from app.usecases import credentials
from app.usecases.credentials import Change
from testing.command_line import command
from testing.factories import ROOT
from testing.git_repository import GitRepository
from testing.installation import Installation, installed
from testing.locks import count_waiting, locked
from testing.postgres import Postgres
from testing.status_receiver import StatusReceiver
from testing.waiting import eventually
from testing.webhook_sender import Sender, create_webhook

MAIN = "refs/heads/main"
TOKEN = "token-of-the-robot"
URL = "https://deploy.example.org"
_DESCRIPTION = """\
project: infra
environments: {staging: {inventory: hosts}}
services:
  site:
    playbook: site.yml
    options: [check]
    on_push: [{ref: main, options: {check: true}}]
"""
_PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Say the release
      ansible.builtin.debug:
        msg: release %s
"""


@dataclass(frozen=True, slots=True)
class Site:
    """An installation with a git project, and its webhook."""

    made: Installation
    repository: GitRepository
    sender: Sender
    receiver: StatusReceiver

    def release(self, name: str) -> str:
        """Commit a release; return the commit."""
        return self.repository.commit(
            f"Release {name}",
            {
                "fastdeploy.yml": _DESCRIPTION,
                "site.yml": _PLAYBOOK % name,
                "hosts": "web1 ansible_connection=local\n",
            },
        )

    def post(self, client: httpx.Client, commit: str, delivery: str) -> httpx.Response:
        headers, body = self.sender.push(MAIN, commit, delivery=delivery)
        return client.post("/hooks/infra", content=body, headers=headers)

    @property
    def launched(self) -> list[int]:
        with self.made.store.begin() as db:
            return list(db.scalars(select(deployments.c.id)))


@pytest.fixture
def site(postgres: Postgres, tmp_path: Path) -> Iterator[Site]:
    """An installation with a web process; its API of GitHub fails two times."""
    repository = GitRepository(tmp_path / "acme" / "infra")
    receiver = StatusReceiver(failures=2)
    folder = tmp_path / "fastdeploy"
    with (
        installed(postgres, folder, outgoing_private="127.0.0.0/8") as made,
        receiver.serving(),
    ):
        credentials.put(
            made.store, bootstrap.make_secret_box(made.settings), ROOT,
            "git-token:robot", Change(values={"value": TOKEN}), replace=False,
        )  # fmt: skip
        registered = made.services / "infra"
        registered.mkdir(parents=True)
        source = json.dumps({"git": f"file://{repository.folder}"})
        (registered / "project.json").write_text(source)
        sender = create_webhook(
            made.store, made.settings, "infra", Provider.GITHUB, "infra",
            status_credential="git-token:robot", api_url=receiver.url,
        )  # fmt: skip
        found = Site(made, repository, sender, receiver)
        found.release("1")
        made.sync()
        made.web()
        yield found


def test_a_push_that_is_delivered_three_times_is_checked_once_and_reported(
    site: Site,
) -> None:
    site.made.worker(FASTDEPLOY_URL=URL)
    commit = site.release("2")
    site.release("3")

    with site.made.client() as client, ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: site.post(client, commit, "one"), range(3)))
    eventually(lambda: len(site.launched) == 1)
    ended = site.made.ended(site.launched[0])

    assert [200, 200, 202] == sorted(each.status_code for each in answers)
    assert (Status.SUCCESSFUL, commit, "webhook:infra", True) == (
        ended.status, ended.commit, ended.actor, ended.options.check,
    ), ended.reason  # fmt: skip
    assert any("release 2" in line for line in site.made.lines(ended.id))
    eventually(lambda: len(site.receiver.accepted) >= 2)
    eventually(lambda: _settled(site))
    assert ["pending", "success"] == [
        each.body["state"] for each in site.receiver.accepted
    ]
    assert {500, 201} == {each.answered for each in site.receiver.received}
    for each in site.receiver.received:
        assert (f"/repos/acme/infra/statuses/{commit}", f"Bearer {TOKEN}") == (
            each.path, each.authorization,
        )  # fmt: skip
        assert "fastdeploy/infra/site@staging" == each.body["context"]
        assert f"{URL}/deployments/{ended.id}" == each.body["target_url"]
    assert [ended.id] == site.launched
    listed = command(site.made, "webhook", "deliveries", "infra", "--json")
    assert [[ended.id]] == [each["deployments"] for each in json.loads(listed.stdout)]


def _settled(site: Site) -> bool:
    """Whether no status is to be sent any more."""
    query = text("SELECT count(*) FROM webhook_launches WHERE next_at IS NOT NULL")
    with site.made.store.begin() as db:
        return not db.execute(query).scalar_one()


def test_a_delivery_is_launched_once_although_its_worker_is_killed(site: Site) -> None:
    commit = site.release("2")
    with site.made.client() as client:
        assert 202 == site.post(client, commit, "one").status_code
    with locked(site.made, "deployments"):
        killed = site.made.worker()
        eventually(lambda: count_waiting(site.made))
        killed.kill()
    assert [] == site.launched

    site.made.worker()

    eventually(lambda: len(site.launched) == 1)
    assert Status.SUCCESSFUL is site.made.ended(site.launched[0]).status
    eventually(lambda: _settled(site))
    assert 1 == len(site.launched)
    assert ["pending", "success"] == [
        each.body["state"] for each in site.receiver.accepted
    ]
