"""Services, schedules, channels, projects and webhooks that the API lists."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app import bootstrap
from app.domain.access import Permission, Role
from app.domain.node import NodeInstance
from app.domain.push import Push
from app.domain.webhook import DeliveryState, Provider
from app.project_folder import without_credentials
from app.settings import Settings
from app.store import totp_secrets, users, webhook_deliveries
from app.store.store import Store
from app.store.webhook_deliveries import NewDelivery
from app.usecases import channels, nodes, schedule_changes, services, tokens, webhooks
from app.usecases.schedule_sources import ScheduleSources
from testing.factories import (
    ROOT,
    make_service,
    make_user,
    set_columns,
    start_deployment,
    write_service,
)
from testing.git_repository import GitRepository
from testing.webhook_sender import create_webhook

SCHEDULE = {"name": "nightly", "cron": "0 3 * * *"}


def add_accounts(store: Store) -> None:
    """Create an admin with a personal token, a viewer with a second factor, a token."""
    make_user(store, "grace")
    make_user(store, "pat", Role.VIEWER)
    tokens.create_token(store, ROOT, "spare", [Permission.VIEW])
    with store.begin() as db:
        grace, pat = users.find(db, "grace"), users.find(db, "pat")
        assert grace is not None
        assert pat is not None
        totp_secrets.put(db, pat.id, b"sealed", "key")
        totp_secrets.accept(db, pat.id, 1)
    owner = replace(ROOT, user_id=grace.id, name="grace")
    tokens.create_own_token(store, owner, "own", [Permission.VIEW])


def add_nodes(store: Store) -> None:
    """Add a node that is ready, and one whose worker was stopped."""
    for name in ("ready", "away"):
        nodes.beat(store, name, me=NodeInstance(name), concurrency=1)
    nodes.stop(store, "away", NodeInstance("away"))


def add_unreadable_playbook(folder: Path) -> None:
    """Write a service with a playbook that Ansible can't read."""
    config: dict[str, Any] = {
        "playbook": "site.yml",
        "deploy_script": None,
        "steps": [],
    }
    write_service(folder, "unreadable", config, {"site.yml": "- hosts: [\n"})


def start_at_commit(store: Store, settings: Settings) -> int:
    """Start the deployment of a commit of a git project; return its id."""
    source = {"git": "file:///nowhere", "commit": "a" * 40}
    service = make_service(name="books/site@live", project=source)
    number = start_deployment(store, settings, service).id
    with store.begin() as db:
        set_columns(db, number, commit="a" * 40)
    return number


def add_schedules(store: Store, settings: Settings) -> None:
    """Create schedules, and let a file define another one before it gets broken."""
    for name in ("nightly", "removed"):
        wanted = SCHEDULE | {"name": name}
        box = bootstrap.make_secret_box(settings)
        sources = ScheduleSources(settings, without_credentials)
        schedule_changes.create(store, ROOT, "hello", wanted, box, sources)
    for config in ({"schedules": [SCHEDULE]}, {"steps": "none"}):
        write_service(settings.services, "timed", config)
        services.sync_services(
            store, settings.services, settings.var, settings.node, ROOT
        )


def add_channels(store: Store, settings: Settings) -> None:
    """Add channels, and two messages: the first one failed, the second one waits."""
    secret_box = bootstrap.make_secret_box(settings)
    for name in ("ops", "unused"):
        change = channels.Change("slack://a/b/c")
        channels.put(store, secret_box, ROOT, name, change, replace=False)
    channels.test(store, ROOT, "ops")
    channels.test(store, ROOT, "ops")
    with store.begin() as db:
        db.execute(text("UPDATE notifications SET state = 'failed' WHERE id = 1"))


def add_projects(settings: Settings, folder: Path) -> None:
    """Register projects: a folder, a repository, and two that have a problem."""
    books = GitRepository(folder / "books")
    books.commit("Write a book", {"site.yml": "- hosts: all\n"})
    books.git("tag", "v1")
    for name, source in (
        ("shop", {"folder": f"{folder}"}),
        ("books", {"git": f"file://{books.folder}"}),
        ("unfetched", {"git": "file:///nowhere"}),
    ):
        (settings.services / name).mkdir()
        (settings.services / name / "project.json").write_text(json.dumps(source))
    (settings.services / "whole").mkdir()
    for file in ("fastdeploy.yml", "site.yml"):
        (settings.services / "whole" / file).touch()


def add_webhooks(store: Store, settings: Settings) -> None:
    """Create webhooks, one with two deliveries and one with two secrets."""
    secret_box = bootstrap.make_secret_box(settings)
    made = {
        name: create_webhook(store, settings, name, Provider.GITHUB, "books")
        for name in ("used", "unused", "rotating")
    }
    webhooks.rotate(store, secret_box, ROOT, made["rotating"].id)
    for state in (DeliveryState.SKIPPED, DeliveryState.QUEUED):
        with store.begin() as db:
            new = NewDelivery(
                webhook_id=made["used"].id,
                delivery=state,
                digest=state.encode(),
                event="push",
                pushes=[Push("refs/heads/main", "a" * 40)],
                state=state,
                answer="",
            )
            assert webhook_deliveries.add(db, new) is not None
