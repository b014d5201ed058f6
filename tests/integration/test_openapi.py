"""Each operation of the API gives each response that the OpenAPI document declares."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import insert
from starlette.applications import Starlette

from app import bootstrap
from app.domain.access import Grant, Permission, SubjectKind
from app.domain.events import TaskResult
from app.settings import Settings
from app.store.host_tables import hosts
from app.store.store import Store
from app.usecases import credentials, grants, host_keys, record, services, teams
from app.usecases.credentials import Change
from app.web.app import ROUTES
from app.web.openapi import document
from testing.api_catalogue import (
    add_accounts,
    add_channels,
    add_nodes,
    add_projects,
    add_schedules,
    add_unreadable_playbook,
    add_webhooks,
    start_at_commit,
)
from testing.api_clients import client_that_gets, session_client
from testing.api_requests import (
    BY_SESSION,
    ENDED,
    FAILED,
    HOST_KEY,
    OF_GIT,
    REPOSITORY,
    RUNNING,
    UNWANTED,
    WAITING,
    sent_for,
)
from testing.approvals import launch
from testing.factories import (
    ROOT,
    ends,
    print_lines,
    record_lines,
    start_deployment,
    write_service,
)
from testing.recording import make_owing
from testing.web_client import ClientFor

DOCUMENT = document(ROUTES)
#: Method, path and description of each operation.
OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]
STATUSES = sorted({status for *_, o in OPERATIONS for status in o["responses"]})


@pytest.fixture(autouse=True)
def catalogue(store: Store, settings: Settings, tmp_path: Path) -> None:
    """Services, projects, credentials, and deployments in three states."""
    add_projects(settings, tmp_path)
    write_service(settings.services, "hello")
    write_service(settings.services, "broken", {"steps": "none"})
    add_unreadable_playbook(settings.services)
    write_service(settings.services, "gated", {"approval": True})
    write_service(settings.services, "locked", {"credentials": ["become:used"]})
    write_service(
        settings.services, "loud", {"notify": [{"on": ["failed"], "to": "ops"}]}
    )
    for reference in ("become:used", "become:unused", "password:prod", "vault:prod"):
        secret_box = bootstrap.make_secret_box(settings)
        change = Change(values={"password": "abcd"})
        credentials.put(store, secret_box, ROOT, reference, change, replace=False)
    services.sync_services(store, settings.services, settings.var, settings.node, ROOT)
    add_webhooks(store, settings)
    add_accounts(store)
    add_teams(store)
    host_keys.add(store, ROOT, "hello", HOST_KEY)
    add_schedules(store, settings)
    add_channels(store, settings)
    started = start_deployment(store, settings)
    print_lines(store, started.id, "one", "two")
    diff = {"before_header": "/stdout", "before": "", "after": "text"}
    record_lines(store, started.id, ends("Copy", "web1", TaskResult.CHANGED, diff=diff))
    add_hosts(store)
    record.finish(store, started.id, 0)
    assert (ENDED, RUNNING) == (started.id, start_deployment(store, settings).id)
    assert FAILED == make_owing(store, settings)
    assert OF_GIT == start_at_commit(store, settings)
    for number in (WAITING, UNWANTED):
        assert number == launch(store, settings, name="gated")
    add_nodes(store)


def add_teams(store: Store) -> None:
    """Add a team with a member and a grant, and one without."""
    for name in ("crew", "empty"):
        teams.create(store, ROOT, name)
    teams.add_member(store, ROOT, "crew", "grace")
    wanted = Grant(Permission.VIEW, "hello")
    grants.add(store, ROOT, SubjectKind.TEAM, "crew", wanted)


def add_hosts(store: Store) -> None:
    """Add a host to each of two projects, with the same name."""
    with store.begin() as db:
        rows = [{"scope": scope, "name": "both"} for scope in ("books", "shop")]
        db.execute(insert(hosts), rows)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a playbook."""
    folder = tmp_path / "infra"
    folder.mkdir()
    (folder / "site.yml").write_text("- hosts: all\n")
    return folder


@pytest.mark.parametrize("status", STATUSES)
def test_each_operation_that_declares_a_status_responds_with_it_and_its_model(
    client_for: ClientFor,
    web: Starlette,
    store: Store,
    settings: Settings,
    repository: Path,
    status: str,
) -> None:
    with client_that_gets(status, client_for, web, settings) as token_client:
        for method, path, operation in OPERATIONS:
            if status not in operation["responses"]:
                continue
            sent = sent_for(operation["operationId"], status)
            values = {"id": sent.id, "name": sent.name, "path": sent.path}
            url = path.format(**values, user=sent.user, number=sent.number)
            url += sent.query
            client = token_client
            if operation["operationId"] in BY_SESSION and status in {"201", "409"}:
                client = session_client(web, store, "grace")
            content, headers = None, {}
            if sent.body is not None:
                content = json.dumps(sent.body).replace(REPOSITORY, f"{repository}")
                media = "text/plain" if status == "415" else "application/json"
                headers = {"Content-Type": media}

            response = client.request(method, url, content=content, headers=headers)

            assert status == str(response.status_code), f"{method} {url}"
            if status == "304":
                assert ("", True) == (response.text, "etag" in response.headers), url
                continue
            media_type = response.headers["content-type"].partition(";")[0]
            ((declared, described),) = operation["responses"][status]["content"].items()
            assert declared == media_type, url
            if media_type == "application/json":
                require(response.json(), described["schema"])
            if status < "300" and sent.body is not None:
                accepted = operation["requestBody"]["content"]["application/json"]
                require(sent.body, accepted["schema"])


def test_the_event_stream_sends_the_models_that_its_description_names(
    client_for: ClientFor,
) -> None:
    client = client_for((Permission.VIEW,))

    lines = client.get(f"/api/v1/deployments/{ENDED}/events?after=1").text.splitlines()

    data = dict(zip(
        (line.removeprefix("event: ") for line in lines if line.startswith("event: ")),
        (line.removeprefix("data: ") for line in lines if line.startswith("data: ")),
        strict=True,
    ))  # fmt: skip
    assert ["deployment", "events", "end"] == list(data)
    require(json.loads(data["deployment"]), reference("DeploymentBody"))
    events = json.loads(data["events"])
    assert len(events) > 1
    require(events, {"type": "array", "items": reference("EventBody")})


def reference(model: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model}"}


def require(body: object, schema: Mapping[str, Any]) -> None:
    """Raise ValidationError if a body doesn't match a schema of the document."""
    jsonschema.validate(body, {**schema, "components": DOCUMENT["components"]})
