"""Each operation of the API gives each response that the OpenAPI document declares."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import insert
from starlette.applications import Starlette

from app import bootstrap
from app.domain.access import Grant, Permission
from app.domain.events import TaskResult
from app.settings import Settings
from app.store.grants import SubjectKind
from app.store.host_tables import hosts
from app.store.store import Store
from app.usecases import credentials, grants, host_keys, record, services, teams
from app.usecases.credentials import Change
from app.web.app import ROUTES
from app.web.middleware import MAX_BODY
from app.web.openapi import document
from testing import api_requests
from testing.api_catalogue import (
    SCHEDULE,
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
from testing.api_requests import BY_SESSION, ENDED, OF_GIT, RUNNING, RequestValues
from testing.factories import (
    ROOT,
    ends,
    make_host_key,
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
FAILED = 3
#: The schedule that a file defines, of a service that has become invalid.
OF_FILE = 3
#: A grant that exists.
GRANT = {"subject": "team", "name": "crew", "permission": "view", "services": "hello"}
#: Deliveries of the webhook `used`.
SETTLED, QUEUED = 1, 2
#: Stands for the path of a repository in a request.
REPOSITORY = "/srv/infra"
#: A line of a known_hosts file.
HOST_KEY = make_host_key().line
#: The body that replaces a credential.
REPLACEMENT = {"value": {"password": "abcd"}, "replace": True}


#: A request that succeeds, by operation.
SUCCESSES: Mapping[str, RequestValues] = {
    "openapi.show": RequestValues(),
    "api.list_services": RequestValues(),
    "api.show_launch_form": RequestValues(),
    "api.sync": RequestValues(),
    "api.examine": RequestValues(),
    "audit_log.list_entries": RequestValues(query="?action=launch"),
    "api_projects.list_projects": RequestValues(),
    "api_projects.add": RequestValues(body={"path": REPOSITORY}),
    "api_projects.show": RequestValues(name="shop"),
    "api_projects.list_refs": RequestValues(name="books", query="?prefix=v"),
    "api_projects.remove": RequestValues(name="shop"),
    "host_keys.list_keys": RequestValues(query="?scope=hello"),
    "host_keys.add": RequestValues(body={"scope": "hello", "known_hosts": HOST_KEY}),
    "host_keys.delete": RequestValues(),
    "api.list_nodes": RequestValues(),
    "hosts.list_hosts": RequestValues(query="?project=hello&status=ok&page=1"),
    "hosts.show_host": RequestValues(name="web1", query="?project=hello"),
    "hosts.show_timeline": RequestValues(
        name="web1", query="?project=hello&since=2026-05-04&text=Copy&before=9"
    ),
    "host_files.list_files": RequestValues(
        name="web1", query="?project=hello&text=std&page=1"
    ),
    "host_files.show_file": RequestValues(name="web1", query="?project=hello"),
    "schedules.list_schedules": RequestValues(query="?text=hello&page=1"),
    "api_schedules.create": RequestValues(
        body=SCHEDULE | {"service": "hello", "name": "hourly"}
    ),
    "api_schedules.show": RequestValues(),
    "api_schedules.replace": RequestValues(body=SCHEDULE),
    "api_schedules.remove": RequestValues(),
    "api_schedules.pause": RequestValues(body={}),
    "api_schedules.resume": RequestValues(),
    "api_schedules.run": RequestValues(),
    "api_notifications.list_channels": RequestValues(),
    "api_notifications.show_channel": RequestValues(name="ops"),
    "api_notifications.put_channel": RequestValues(
        name="new", body={"url": "slack://a/b/c"}
    ),
    "api_notifications.remove_channel": RequestValues(name="unused"),
    "api_notifications.pause_channel": RequestValues(name="ops"),
    "api_notifications.resume_channel": RequestValues(name="ops"),
    "api_notifications.test_channel": RequestValues(name="ops"),
    "api_notifications.list_notifications": RequestValues(query="?channel=ops"),
    "api_notifications.send_again": RequestValues(),
    "api_webhooks.list_webhooks": RequestValues(),
    "api_webhooks.create": RequestValues(
        body={"name": "new", "provider": "github", "project": "books"}
    ),
    "api_webhooks.show": RequestValues(name="used"),
    "api_webhooks.remove": RequestValues(name="unused"),
    "api_webhooks.rotate": RequestValues(name="used"),
    "api_webhooks.finish_rotation": RequestValues(name="rotating"),
    "api_webhooks.pause": RequestValues(name="used"),
    "api_webhooks.resume": RequestValues(name="used"),
    "api_webhooks.list_deliveries": RequestValues(name="used", query="?before=9"),
    "api_webhooks.redeliver": RequestValues(name="used", id=SETTLED),
    "api_credentials.list_credentials": RequestValues(),
    "api_credentials.show": RequestValues(name="become:used"),
    "api_credentials.put": RequestValues(
        name="token:new", body={"value": {"value": "abcd"}}
    ),
    "api_credentials.remove": RequestValues(name="become:unused"),
    "api_credentials.try_on": RequestValues(name="vault:prod", body={}),
    "api_grants.list_teams": RequestValues(),
    "api_grants.create_team": RequestValues(body={"name": "new"}),
    "api_grants.show_team": RequestValues(name="crew"),
    "api_grants.remove_team": RequestValues(name="empty"),
    "api_grants.add_member": RequestValues(name="empty", body={"user": "grace"}),
    "api_grants.remove_member": RequestValues(name="crew"),
    "api_grants.list_grants": RequestValues(),
    "api_grants.add_grant": RequestValues(body=GRANT | {"services": "shop/*"}),
    "api_grants.remove_grant": RequestValues(),
    "api.list_deployments": RequestValues(query="?service=hello&before=9"),
    "api.launch": RequestValues(body={"service": "hello"}),
    "api.show": RequestValues(),
    "api.show_timing": RequestValues(),
    "api.cancel": RequestValues(id=RUNNING),
    "retries.api_choices": RequestValues(id=FAILED),
    "retries.api_retry": RequestValues(),
    "retries.api_retry_failed": RequestValues(id=FAILED),
    "retries.api_resume": RequestValues(id=FAILED),
    "retries.api_dismiss": RequestValues(
        id=FAILED, body={"host": "web1", "handler": "restart"}
    ),
    "deployments.api_events": RequestValues(query="?after=1"),
    "deployments.download": RequestValues(query="?follow=1&offset=2"),
    "exports.export": RequestValues(query="?format=ara"),
    "api.list_artifacts": RequestValues(),
    "deployments.archive": RequestValues(),
    "deployments.download_artifact": RequestValues(),
    **api_requests.SUCCESSES,
}
#: What is different in a request that fails, by status and operation; `*` is any other.
#: The other statuses depend on the client or the disk.
CHANGES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "200": {
        "api_projects.add": {"body": {"path": REPOSITORY, "dry_run": True}},
        "api_credentials.put": {"name": "become:used", "body": REPLACEMENT},
        "api_schedules.remove": {"id": 2},
        "api_notifications.put_channel": {
            "name": "ops",
            "body": {"description": "on call", "replace": True},
        },
    },
    "404": {
        "*": {"id": 4242, "name": "nothing"},
        "api.launch": {"body": {"service": "nothing"}},
        "api_grants.add_grant": {"body": GRANT | {"name": "nothing"}},
        "api_notifications.put_channel": {"name": "nothing", "body": {"replace": True}},
        "host_keys.add": {"body": {"scope": "nothing", "known_hosts": HOST_KEY}},
        "api_schedules.create": {"body": SCHEDULE | {"service": "nothing"}},
    },
    "409": {
        "hosts.show_host": {"name": "both", "query": ""},
        "hosts.show_timeline": {"name": "both", "query": ""},
        "host_files.list_files": {"name": "both", "query": ""},
        "host_files.show_file": {"name": "both", "query": ""},
        "api.show_launch_form": {"name": "broken"},
        "api.launch": {"body": {"service": "broken"}},
        "api.cancel": {"id": ENDED},
        "api_grants.create_team": {"body": {"name": "crew"}},
        "api_grants.add_member": {"name": "crew"},
        "api_grants.add_grant": {"body": GRANT},
        "exports.export": {"id": RUNNING},
        "api_projects.add": {"body": {"path": REPOSITORY, "name": "hello"}},
        "api_schedules.create": {"body": SCHEDULE | {"service": "broken"}},
        "api_schedules.replace": {"id": OF_FILE},
        "api_schedules.remove": {"id": OF_FILE},
        "api_schedules.run": {"id": OF_FILE},
        "api_projects.list_refs": {"name": "unfetched"},
        "api_projects.remove": {"name": "whole"},
        "retries.api_retry": {"id": RUNNING},
        "retries.api_retry_failed": {"id": ENDED},
        "retries.api_resume": {"id": ENDED},
        "api_webhooks.create": {
            "body": {"name": "used", "provider": "github", "project": "books"}
        },
        "api_webhooks.rotate": {"name": "rotating"},
        "api_webhooks.finish_rotation": {"name": "used"},
        "api_webhooks.redeliver": {"id": QUEUED},
        "api_credentials.put": {
            "name": "become:used",
            "body": REPLACEMENT | {"replace": False},
        },
        "api_credentials.remove": {"name": "become:used"},
        "api_notifications.put_channel": {"name": "ops"},
        "api_notifications.remove_channel": {"name": "ops"},
        "api_notifications.send_again": {"id": 2},
        "api_credentials.try_on": {
            "name": "password:prod",
            "body": {"host": "127.0.0.1", "port": 1},
        },
    },
    "413": {"*": {"body": "x" * MAX_BODY}},
    "422": {
        "*": {"query": "?unknown=1"},
        "api.launch": {"body": {"service": "hello", "priority": 101}},
    },
}


def sent_for(operation: str, status: str) -> RequestValues:
    """Return the request that makes an operation respond with this status."""
    changes = {**CHANGES.get(status, {}), **api_requests.CHANGES.get(status, {})}
    return replace(SUCCESSES[operation], **changes.get(operation, changes.get("*", {})))


@pytest.fixture(autouse=True)
def catalogue(store: Store, settings: Settings, tmp_path: Path) -> None:
    """Services, projects, credentials, and deployments in three states."""
    add_projects(settings, tmp_path)
    write_service(settings.services, "hello")
    write_service(settings.services, "broken", {"steps": "none"})
    add_unreadable_playbook(settings.services)
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
            content = None
            if sent.body is not None:
                content = json.dumps(sent.body).replace(REPOSITORY, f"{repository}")

            response = client.request(method, url, content=content)

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
