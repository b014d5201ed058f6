"""Schemathesis sends generated requests to each operation of the API."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from schemathesis.checks import CHECKS
from sqlalchemy import text
from starlette.datastructures import MutableHeaders
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from app.bootstrap.web import make_web
from app.domain.access import Permission
from app.settings import Settings
from app.store.store import Store
from app.usecases import record, services
from app.web.app import ROUTES
from app.web.openapi import document
from testing.api_catalogue import add_accounts, add_projects, add_schedules
from testing.factories import ROOT, print_lines, start_deployment, write_service
from testing.generated_requests import Report, load, send_all
from testing.web_client import make_client

#: Operations whose valid values a JSON Schema can't describe, with the reason. The
#: check `positive_data_acceptance` expects that no value of the schema gets 422.
BEYOND_THE_SCHEMA = {
    "POST /api/v1/deployments": "the service has the schema of its variables",
    "POST /api/v1/schedules": "crontab(5), time zones, and the variables",
    "PUT /api/v1/schedules/{id}": "crontab(5), time zones, and the variables",
    "POST /api/v1/schedules/{id}/pause": "a time that lies in the future",
    "POST /api/v1/tokens": "scopes that can't be limited to services",
    "POST /api/v1/projects": "the path of a repository that exists",
    "POST /api/v1/host-keys": "a public key",
    "POST /api/v1/webhooks": "a project that exists",
    "PUT /api/v1/channels/{name}": "a URL of one of Apprise's services",
}
#: Operations that answer 404 for something else than their path names, which the check
#: `ensure_resource_availability` takes for the resource that was just created.
NAME_ANOTHER = {
    "POST /api/v1/teams/{name}/members": "the user",
    "POST /api/v1/deployments/{id}/owed-handlers/dismiss": "the handler",
    "DELETE /api/v1/teams/{name}/members/{user}": "the user",
    "GET /api/v1/deployments/{id}/artifacts/{path}": "the file",
    "GET /api/v1/deployments/{id}/results/{number}": "the result",
    "POST /api/v1/webhooks/{name}/deliveries/{id}/redeliver": "the delivery",
}
#: It would end the token of the client, so it comes last.
REVOKE = "DELETE /api/v1/tokens/{id}"
#: Statuses that these two checks don't know: 412 says that the request had an If-Match
#: which isn't the ETag of the resource.
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]
REJECTED = ["400", "401", "403", "404", "405", "409", "412", "415", "422", "429", "5xx"]
OFF = {"enabled": False}
SETTINGS: dict[str, Any] = {
    "seed": 1,
    "continue-on-failure": True,
    "workers": 1,
    "generation": {"deterministic": True, "no-shrink": True, "max-examples": 2},
    "phases": {
        # A method that no operation has is enough to see the answer to others.
        "coverage": {"unexpected-methods": ["options", "patch"]},
        "stateful": {"generation": {"max-examples": 8}},
    },
    "checks": {
        "max_response_time": 10,
        "positive_data_acceptance": {"expected-statuses": ACCEPTED},
        "negative_data_rejection": {"expected-statuses": REJECTED},
    },
}
#: The checks that are wrong for an operation.
EXCEPTIONS: dict[str, Any] = {
    "operations": [
        *(
            {"include-name": label, "checks": {"positive_data_acceptance": OFF}}
            for label in BEYOND_THE_SCHEMA
        ),
        *(
            {"include-name": label, "checks": {"ensure_resource_availability": OFF}}
            for label in NAME_ANOTHER
        ),
        # `GET /api/v1/services/sync` is the service `sync`, which has another path in
        # the document: this one has more methods than its own.
        {
            "include-name": "POST /api/v1/services/sync",
            "checks": {"allow_header_conformance": OFF},
        },
    ],
}
#: A key that is valid.
KEY = re.compile("[ -~]{1,200}")
END_ALL = text(
    "UPDATE deployments SET status = 'canceled', finished_at = now() "
    "WHERE finished_at IS NULL"
)


@pytest.fixture
def client(store: Store, settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    """An admin of an installation that has some of everything, without limits."""
    add_projects(settings, tmp_path)
    write_service(settings.services, "hello")
    services.sync_services(store, settings.services, settings.var, settings.node, ROOT)
    add_accounts(store)
    add_schedules(store, settings)
    deployment = start_deployment(store, settings)
    print_lines(store, deployment.id, "one")
    record.finish(store, deployment.id, 0)
    limits = {"api_requests_per_minute": 0, "invalid_tokens_per_minute": 0}
    web = make_web(settings.model_copy(update=limits))
    yield make_client(web, store, tuple(Permission))
    web.state.deps.store.close()


def test_generated_requests_get_what_the_document_declares(
    client: TestClient, store: Store
) -> None:
    bearer = {"Authorization": client.headers["Authorization"]}
    settings = SETTINGS | {"headers": bearer}
    app = without_earlier_launches(client.app, store)
    described = document(ROUTES)
    # With settings of operations, Schemathesis 4.32 ignores `include`.
    most = load(app, described, settings | EXCEPTIONS).exclude(name=REVOKE)
    alone = {"phases": {"stateful": OFF}}
    last = load(app, described, settings | alone).include(name=REVOKE)
    report = Report()

    tested = send_all(most, report) | send_all(last, report)

    print(report)  # noqa: T201 - the figures, in the output of CI
    assert not report.problems, "\n\n".join(report.problems)
    labels = {
        f"{method.upper()} {path}"
        for path, item in described["paths"].items()
        for method in item
    }
    assert labels <= tested
    assert labels >= {*BEYOND_THE_SCHEMA, *NAME_ANOTHER}
    assert set(CHECKS.get_all_names()) <= report.checks.keys()
    assert report.statuses[200] > 0
    assert report.statuses[429] == report.statuses[500] == 0


def without_earlier_launches(app: ASGIApp, store: Store) -> ASGIApp:
    """Serve an application so that no request depends on the launches before it.

    A valid key of an earlier launch would be refused (422), so each request gets
    another one. A stream ends with its deployment, but no worker runs here.
    """
    number = count()

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", "nothing here needs a startup"
        headers = MutableHeaders(scope=scope)
        if KEY.fullmatch(headers.get("idempotency-key", "")):
            headers["idempotency-key"] = f"key {next(number)}"
        if scope["path"].endswith(("/events", "/output")):
            with store.begin() as db:
                db.execute(END_ALL)
        await app(scope, receive, send)

    return served
