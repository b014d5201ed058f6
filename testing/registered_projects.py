"""A repository of playbooks, registered as the project infra."""

import json
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import insert

from app.settings import Settings
from app.store.service_tables import services
from app.store.store import Store
from app.usecases import record
from app.usecases import services as service_usecases
from testing.factories import ROOT, make_schema, make_service, start_deployment

DESCRIPTION = """\
project: infra
description: Everything that runs the shop
environments:
  staging: {inventory: inventories/staging}
  production:
    inventory: inventories/production
    limit: web
    variables: {stage: live}
services:
  site: {playbook: playbooks/site.yml}
  upgrade: {playbook: playbooks/upgrade.yml, environments: [staging]}
"""
FILES = {
    "inventories/staging/hosts": "web1\n",
    "inventories/production/hosts": "web1\n",
    "playbooks/site.yml": "- hosts: all\n",
    "playbooks/upgrade.yml": "- hosts: all\n",
    "group_vars/all/vault.yml": "$ANSIBLE_VAULT;1.1;AES256\n0\n",
    "requirements.yml": "collections: []\n",
    "roles/shop/tasks/main.yml": "[]\n",
}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files into a folder; return the folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def sync(store: Store, settings: Settings) -> None:
    """Sync the services folder."""
    service_usecases.sync_services(
        store, settings.services, settings.var, settings.node, ROOT
    )


def register(
    store: Store, settings: Settings, root: Path, text: str = DESCRIPTION
) -> None:
    """Register a repository with this fastdeploy.yml as the project infra."""
    write(root, {"fastdeploy.yml": text})
    source = json.dumps({"folder": str(root)})
    write(settings.services / "infra", {"project.json": source})
    sync(store, settings)


def deploy(store: Store, settings: Settings, name: str, version: str) -> int:
    """A successful deployment of a version of a service."""
    service = make_service(name=name, variables=make_schema(version={"type": "string"}))
    given = {"version": version}
    running = start_deployment(store, settings, service, given=given)
    record.finish(store, running.id, 0)
    return running.id


def add_jobs(store: Store, numbers: range) -> None:
    """Add services to the project infra, faster than a sync."""
    names = [f"infra/job-{number:04}" for number in numbers]
    rows = [
        {"name": name, "config": make_service(name=name).model_dump(mode="json")}
        for name in names
    ]
    with store.begin() as db:
        db.execute(insert(services), rows)
