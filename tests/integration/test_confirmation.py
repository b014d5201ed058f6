"""A service that asks for a confirmation is launched only with one."""

import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.access import Permission, Role
from app.domain.deployment import Origin
from app.domain.revision import Revision
from app.queue import make_queue
from app.settings import Settings
from app.store import deployments
from app.store import services as stored_services
from app.store.store import Store
from app.usecases import deploy, due_schedules, record, schedules, services
from app.usecases.confirmation import ConfirmationNeeded
from testing.calendars import calendar
from testing.factories import (
    ROOT,
    add_service,
    make_schema,
    make_service,
)
from testing.git_repository import GitRepository
from testing.installation import ACTOR
from testing.web_client import ClientFor, csrf_of

NAME = "infra/site@production"
_PROJECT = """\
project: infra
environments:
  staging: {inventory: hosts}
  production: {inventory: hosts, confirm: true}
services:
  site:
    playbook: site.yml
    options: [limit, check]
    variables:
      properties:
        version: {type: string, default: "1.0"}
        token: {type: string, writeOnly: true}
    schedules:
      - name: nightly
        cron: "0 * * * *"
        environment: production
        not_during: [freezes.ics]
"""
_FREEZE = calendar("DTSTART:20200101T000000Z\nDTEND:20990101T000000Z\nSUMMARY:Holidays")
CANARY = "hunter2-canary"


@dataclass(frozen=True, slots=True)
class Site:
    """A git project with an environment that asks for a confirmation."""

    store: Store
    settings: Settings
    repository: GitRepository

    def launch(self, *, confirmed: bool = True) -> int:
        return deploy.launch(
            self.store,
            make_queue(self.settings),
            bootstrap.make_secret_box(self.settings),
            actor=ACTOR,
            origin=Origin.CLI,
            service_name=NAME,
            given={},
            confirmed=confirmed,
        )


@pytest.fixture
def site(store: Store, settings: Settings, tmp_path: Path) -> Site:
    repository = GitRepository(tmp_path / "infra")
    files = {
        "fastdeploy.yml": _PROJECT, "site.yml": "- hosts: all\n", "hosts": "a\n",
        "freezes.ics": _FREEZE,
    }  # fmt: skip
    repository.commit("Begin", files)
    folder = settings.services / "infra"
    folder.mkdir(parents=True)
    source = {"git": f"file://{repository.folder}"}
    (folder / "project.json").write_text(json.dumps(source))
    found = services.sync_services(
        store, settings.services, settings.var, settings.node, ROOT
    )
    assert NAME in found.valid
    return Site(store, settings, repository)


def fields_of(page: str) -> dict[str, str]:
    """Return the hidden fields of the form that confirms."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}


def launches(client: TestClient) -> list[int]:
    return [each["id"] for each in client.get("/api/v1/deployments").json()]


def test_the_page_shows_what_will_happen_and_launches_on_its_button(
    site: Site, client_for: ClientFor
) -> None:
    earlier = site.launch()
    begun = record.mark_starting(site.store, earlier, site.settings.node)
    record.mark_running(site.store, begun.deployment)
    record.finish(site.store, earlier, 0)
    waiting = site.launch()
    site.repository.commit("Rename the <shop>", {"shop": "1"})
    client = client_for(Role.DEPLOYER)
    form = {
        "csrf_token": csrf_of(client, site.store), "idempotency_key": "k",
        "ref": "main", "var.version": "4.2", "var.token": CANARY,
        "option.limit": "web1",
    }  # fmt: skip
    before = launches(client)

    summary = client.post(f"/services/{NAME}/deploy", data=form)

    text = re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", "", summary.text)))
    assert 200 == summary.status_code
    assert before == launches(client)
    assert "only web1 of hosts" in text
    assert "version4.2" in text
    assert "token•" in text
    assert CANARY not in summary.text
    assert "Rename the <shop>" in text
    assert f"#{earlier}, " in text
    assert f"It waits for #{waiting}" in text
    assert "Freeze Holidays until" in text

    confirmed = [
        client.post(f"/services/{NAME}/deploy", data=fields_of(summary.text))
        for _ in range(2)
    ]

    assert [303, 303] == [answer.status_code for answer in confirmed]
    assert 1 == len(set(launches(client)) - set(before))
    shown = client.get("/api/v1" + confirmed[0].headers["location"]).json()
    assert {"version": "4.2"} == shown["variables"]
    assert "web1" == shown["options"]["limit"]
    assert {"token": CANARY} == secrets_of(site, shown["id"])


def secrets_of(site: Site, number: int) -> dict[str, str]:
    with site.store.begin() as db:
        locked = deployments.lock(db, number)
    assert locked is not None
    return bootstrap.make_secret_box(site.settings).open(locked.secrets)


def test_a_commit_that_came_after_the_summary_is_shown_before_it_is_launched(
    site: Site, client_for: ClientFor
) -> None:
    client = client_for(Role.DEPLOYER)
    form = {"csrf_token": csrf_of(client, site.store), "ref": "main"}
    summary = client.post(f"/services/{NAME}/deploy", data=form)
    newer = site.repository.commit("Later", {"later": ""})

    again = client.post(f"/services/{NAME}/deploy", data=fields_of(summary.text))

    assert [] == launches(client)
    assert "has changed since you saw this summary" in again.text
    assert newer in again.text
    launched = client.post(f"/services/{NAME}/deploy", data=fields_of(again.text))
    assert 303 == launched.status_code


def test_the_values_can_be_changed_and_a_forged_confirmation_is_refused(
    site: Site, client_for: ClientFor
) -> None:
    client = client_for(Role.DEPLOYER)
    form = {
        "csrf_token": csrf_of(client, site.store),
        "var.version": "4.2", "var.token": CANARY,
    }  # fmt: skip
    fields = fields_of(client.post(f"/services/{NAME}/deploy", data=form).text)

    changed = client.post(f"/services/{NAME}/deploy", data=fields | {"change": "1"})
    forged = client.post(
        f"/services/{NAME}/deploy", data=fields | {"confirmation": "gAAAAA"}
    )
    elsewhere = client.post("/services/infra/site@staging/deploy", data=fields)
    of_another = client_for(Role.ADMIN)
    token = {"csrf_token": csrf_of(of_another, site.store)}
    stolen = of_another.post(f"/services/{NAME}/deploy", data=fields | token)

    assert 'value="4.2"' in changed.text
    assert CANARY not in changed.text
    assert [422, 422, 422] == [each.status_code for each in (forged, elsewhere, stolen)]
    assert [] == launches(client)


def test_an_environment_without_the_key_launches_at_once(
    site: Site, client_for: ClientFor
) -> None:
    client = client_for(Role.DEPLOYER)
    form = {"csrf_token": csrf_of(client, site.store)}

    answer = client.post("/services/infra/site@staging/deploy", data=form)

    assert 303 == answer.status_code


def test_the_api_needs_the_confirmation_in_the_request(
    site: Site, client_for: ClientFor
) -> None:
    client = client_for(tuple(Permission))
    assert site.repository

    refused = client.post("/api/v1/deployments", json={"service": NAME})
    launched = client.post(
        "/api/v1/deployments", json={"service": NAME, "confirm": True}
    )

    assert 422 == refused.status_code
    assert 'set "confirm" to true' in refused.json()["error"]
    assert 201 == launched.status_code


def test_a_retry_is_confirmed_too(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    add_service(store, make_service(confirm=True))
    number = deploy.launch(
        store, make_queue(settings), bootstrap.make_secret_box(settings),
        actor=ACTOR, origin=Origin.CLI, service_name="hello", given={}, confirmed=True,
    )  # fmt: skip
    begun = record.mark_starting(store, number, settings.node)
    record.mark_running(store, begun.deployment)
    record.finish(store, number, 2)
    client, api = client_for(Role.DEPLOYER), client_for(tuple(Permission))
    form = {"csrf_token": csrf_of(client, store)}

    summary = client.post(f"/deployments/{number}/retry", data=form)
    refused = api.post(f"/api/v1/deployments/{number}/retry")
    before = launches(client)
    retried = client.post(f"/deployments/{number}/retry", data=fields_of(summary.text))
    by_api = api.post(f"/api/v1/deployments/{number}/retry?confirm=true")

    assert f'href="/services/hello?again={number}#launch"' in summary.text
    assert (200, 422) == (summary.status_code, refused.status_code)
    assert [number] == before
    assert (303, 201) == (retried.status_code, by_api.status_code)


def test_an_old_commit_without_the_key_is_confirmed_all_the_same(site: Site) -> None:
    """The present definition asks, although the one of the commit doesn't."""
    with site.store.begin() as db:
        entry = stored_services.find(db, NAME)
    assert entry is not None
    assert entry.service is not None
    old = entry.service.model_copy(update={"confirm": False})

    with pytest.raises(ConfirmationNeeded):
        deploy.launch(
            site.store,
            make_queue(site.settings),
            bootstrap.make_secret_box(site.settings),
            actor=ACTOR,
            origin=Origin.CLI,
            service_name=NAME,
            given={},
            revision=Revision(old, "c" * 40, ""),
        )


def test_a_schedule_counts_as_confirmed(store: Store, settings: Settings) -> None:
    nightly = {"name": "nightly", "cron": "0 * * * *"}
    service = make_service(confirm=True, schedules=[nightly], variables=make_schema())
    folder = settings.services / "hello"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(service.model_dump_json(exclude_unset=True))
    (folder / "deploy.py").write_text("#!/bin/sh\n")
    (folder / "deploy.py").chmod(0o755)
    services.sync_services(store, settings.services, settings.var, settings.node, ROOT)
    planned = schedules.find_named(store, "hello", "nightly").stored.next_at
    assert planned is not None

    done = due_schedules.launch_due(
        store, make_queue(settings), bootstrap.make_secret_box(settings),
        moment=planned,
    )  # fmt: skip

    assert 1 == len(done.launched)
