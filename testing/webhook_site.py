"""A git project with a webhook, whose deliveries a test sends and handles."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.deployment import Deployment
from app.domain.webhook import Provider
from app.queue import make_queue
from app.settings import Settings
from app.store.deployment_tables import deployments
from app.store.store import Store
from app.store.webhook_deliveries import Delivery
from app.usecases import (
    deploy,
    services,
    webhook_deliveries,
)
from app.usecases.git_access import GitAccess
from app.usecases.webhook_launches import Launcher, launch_due
from testing.factories import ROOT
from testing.git_repository import GitRepository
from testing.web_client import ClientFor
from testing.webhook_sender import Request, Sender, create_webhook

MAIN = "refs/heads/main"
DESCRIPTION = """\
project: infra
environments:
  staging: {inventory: hosts}
  production: {inventory: hosts, refs: ["v*"]}
services:
  site:
    playbook: site.yml
    options: [check]
    variables: {properties: {release: {type: string}, commit: {type: string}}}
    on_push:
      - {ref: main, environment: staging, options: {check: true}, paths: ["roles/**"],
         from_push: {commit: commit, release: tag}}
      - {ref: refs/tags/*, environment: production, from_push: {release: tag}}
  manual: {playbook: site.yml}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A git project with a webhook of GitHub."""

    store: Store
    settings: Settings
    repository: GitRepository
    sender: Sender
    client: TestClient

    def post(self, request: Request, name: str = "push") -> Any:
        """Send a request to the webhook of this name, and return the response."""
        headers, body = request
        return self.client.post(f"/hooks/{name}", content=body, headers=headers)

    def push(self, ref: str, commit: str, before: str = "", **more: str) -> Any:
        """Send a signed push, and return the response."""
        return self.post(self.sender.push(ref, commit, before, **more))

    def work(self) -> int:
        """Handle what is queued, as a worker does."""
        secret_box = bootstrap.make_secret_box(self.settings)
        reach = GitAccess(self.store, lambda: secret_box).of
        queue = make_queue(self.settings)
        launcher = Launcher(self.store, queue, secret_box, self.settings, reach)
        return launch_due(launcher, lambda: False)

    @property
    def deliveries(self) -> list[Delivery]:
        """What the delivery log lists."""
        listed, _ = webhook_deliveries.list_page(self.store, ROOT, self.sender.id)
        return listed

    @property
    def head(self) -> str:
        """The newest commit."""
        return self.repository.git("rev-parse", "HEAD")

    @property
    def launched(self) -> list[Deployment]:
        """The deployments, the first one first."""
        with self.store.begin() as db:
            query = select(deployments.c.id).order_by(deployments.c.id)
            numbers = list(db.scalars(query))
        return [deploy.find(self.store, number) for number in numbers]


def make_site(
    store: Store, settings: Settings, tmp_path: Path, client_for: ClientFor
) -> Site:
    """Return a site whose project is registered and has a webhook `push`."""
    repository = GitRepository(tmp_path / "acme" / "infra")
    repository.commit(
        "Begin",
        {"fastdeploy.yml": DESCRIPTION, "site.yml": "- hosts: all\n", "hosts": "a\n"},
    )
    folder = settings.services / "infra"
    folder.mkdir(parents=True)
    source = {"git": f"file://{repository.folder}"}
    (folder / "project.json").write_text(json.dumps(source))
    services.sync_services(store, settings.services, settings.var, settings.node, ROOT)
    sender = create_webhook(store, settings, "push", Provider.GITHUB, "infra")
    return Site(store, settings, repository, sender, client_for(None))
