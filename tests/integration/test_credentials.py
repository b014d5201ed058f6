"""Credentials: stored without being read back, and given to the runs that need them."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from app import bootstrap
from app.domain.access import Permission
from app.domain.audit import Action
from app.domain.credential import Home
from app.domain.deployment import Origin, Status
from app.errors import Conflict, InvalidFields, NotAllowed, NotFound
from app.project_folder import without_credentials
from app.queue import make_queue
from app.settings import Settings
from app.store import deployments
from app.store.store import Store
from app.usecases import audit, credentials, deploy, retries, services
from app.usecases.credentials import Change
from app.worker.deployment_runner import DeploymentRunner
from testing.factories import ROOT, write_service

CANARY = "canary-of-a-credential"
KEEP = """#!/bin/sh
cp "$2" "$HERE/seen.json" && cat "$2"
"""


def put(store: Store, settings: Settings, reference: str, change: Change | str,
        *, replace: bool = False) -> None:  # fmt: skip
    kind = reference.partition(":")[0]
    main = {"ssh": "private_key", "token": "value"}.get(kind, "password")
    if isinstance(change, str):
        change = Change(values={main: change})
    secret_box = bootstrap.make_secret_box(settings)
    credentials.put(store, secret_box, ROOT, reference, change, replace=replace)


def sync(store: Store, settings: Settings, folder: Path, *declared: str) -> None:
    """Register a script that keeps its config file and prints it."""
    config = {"credentials": declared, "environment": {"HERE": str(folder)}}
    write_service(settings.services, config=config, files={"deploy.py": KEEP})
    services.sync_services(store, settings.services, settings.var, settings.node, ROOT)


def launch(store: Store, settings: Settings, **given: object) -> int:
    return deploy.launch(
        store, make_queue(settings), bootstrap.make_secret_box(settings), actor=ROOT,
        origin=Origin.CLI, service_name="hello", given={}, **given,  # type: ignore[arg-type]
    )  # fmt: skip


def run(store: Store, settings: Settings, number: int) -> None:
    secret_box = bootstrap.make_secret_box(settings)
    DeploymentRunner(
        store, settings, secret_box, threading.Event(), without_credentials
    ).run(number)


def test_a_run_gets_the_latest_values_of_what_its_service_declares(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    command = Change(Home.COMMAND, {}, ("op", "read", "op://prod/vault"))
    put(store, settings, "become:prod", "an earlier value")
    put(store, settings, "vault:prod", command)
    put(store, settings, "token:placed", Change(Home.PLACED))
    put(store, settings, "become:other", "of nobody")
    sync(store, settings, tmp_path, "become:prod", "vault:prod", "token:placed")
    number = launch(store, settings)
    put(store, settings, "become:prod", CANARY, replace=True)

    run(store, settings, number)

    ended = deploy.find(store, number)
    assert (Status.SUCCESSFUL, "") == (ended.status, ended.reason)
    config = json.loads((tmp_path / "seen.json").read_text())
    assert {
        "become:prod": {"password": CANARY},
        "vault:prod": {"command": ["op", "read", "op://prod/vault"]},
        "token:placed": {"placed": True},
    } == config["credentials"]
    assert [] == config["secret_variables"]
    one = credentials.find(store, ROOT, "become:prod").credential
    assert number == one.last_used_deployment
    assert one.last_used_at is not None


def test_a_value_that_a_run_prints_is_masked_and_gone_when_it_has_ended(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    put(store, settings, "become:prod", CANARY)
    sync(store, settings, tmp_path, "become:prod")
    number = launch(store, settings)

    run(store, settings, number)

    assert CANARY in (tmp_path / "seen.json").read_text()
    found = [
        path
        for path in settings.var.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert [] == found
    with store.begin() as db:
        locked = deployments.lock(db, number)
        dumped = [
            str(db.exec_driver_sql(f'SELECT t.* FROM "{table}" t').all())  # noqa: S608 - ours
            for table in ("credentials", "deployments", "events", "audit", "steps")
        ]
    assert locked is not None
    assert locked.secrets is None
    assert CANARY not in "".join(dumped)


def test_a_service_is_not_launched_without_a_credential_that_it_needs(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    sync(store, settings, tmp_path, "ssh:prod")

    with pytest.raises(Conflict, match="hello needs the credential ssh:prod: add it "
                       "on the page Credentials or with `fastdeploy credential add "
                       "ssh:prod`"):  # fmt: skip
        launch(store, settings)
    # Root may have placed it for the other user.
    assert 1 == launch(store, settings, run_as="deploy")


def test_a_credential_that_was_removed_since_the_launch_fails_the_run(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    put(store, settings, "become:prod", CANARY)
    sync(store, settings, tmp_path, "become:prod")
    number = launch(store, settings)
    credentials.remove(store, ROOT, "become:prod", force=True)

    run(store, settings, number)

    ended = deploy.find(store, number)
    assert Status.FAILED is ended.status
    assert "needs the credential become:prod" in ended.reason


def test_what_is_asked_is_given_at_each_launch_and_not_kept(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    put(store, settings, "become:prod", Change(Home.ASK))
    sync(store, settings, tmp_path, "become:prod")
    given = {"become:prod": {"password": CANARY}}

    with pytest.raises(InvalidFields, match=r"become:prod\.password: is required"):
        launch(store, settings)
    with pytest.raises(InvalidFields, match="isn't asked at a launch"):
        launch(store, settings, credentials=given | {"ssh:x": {"private_key": "x"}})
    number = launch(store, settings, credentials=given)
    run(store, settings, number)

    config = json.loads((tmp_path / "seen.json").read_text())
    assert given == config["credentials"]
    with store.begin() as db:
        locked = deployments.lock(db, number)
    assert locked is not None
    assert locked.secrets is None
    with pytest.raises(Conflict, match="become:prod is asked at each launch and not"):
        retries.retry(
            store, make_queue(settings), bootstrap.make_secret_box(settings),
            actor=ROOT, origin=Origin.CLI, deployment_id=number,
        )  # fmt: skip


def test_each_change_is_audited_by_its_name_alone(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    sync(store, settings, tmp_path, "become:prod")
    put(store, settings, "become:prod", CANARY)
    with pytest.raises(Conflict, match="there is a credential become:prod already"):
        put(store, settings, "become:prod", CANARY)
    put(store, settings, "become:prod", CANARY, replace=True)
    with pytest.raises(Conflict, match="hello can't be launched without"):
        credentials.remove(store, ROOT, "become:prod", force=False)
    credentials.remove(store, ROOT, "become:prod", force=True)
    with pytest.raises(NotFound):
        credentials.remove(store, ROOT, "become:prod", force=True)

    noted = audit.latest(store, ROOT)
    assert [
        (Action.REMOVE_CREDENTIAL, "become:prod"),
        (Action.REPLACE_CREDENTIAL, "become:prod"),
        (Action.ADD_CREDENTIAL, "become:prod"),
    ] == [(entry.action, entry.subject) for entry in noted]


def test_credentials_take_a_permission_of_their_own(
    store: Store, settings: Settings
) -> None:
    every = frozenset(Permission) - {Permission.CREDENTIALS}
    actor = replace(ROOT, permissions=every)
    secret_box = bootstrap.make_secret_box(settings)

    for refused in (
        lambda: credentials.list_all(store, actor),
        lambda: credentials.find(store, actor, "ssh:a"),
        lambda: credentials.remove(store, actor, "ssh:a", force=True),
        lambda: credentials.put(
            store, secret_box, actor, "ssh:a", Change(Home.ASK), replace=True
        ),
    ):
        with pytest.raises(NotAllowed):
            refused()
