"""Schemathesis sends generated requests to each operation of the API."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks
from starlette.testclient import TestClient

from app.bootstrap.web import make_web
from app.domain.access import Permission
from app.settings import Settings
from app.store.store import Store
from app.usecases import record, services
from app.web.app import ROUTES
from app.web.openapi import document
from testing.api_catalogue import add_accounts, add_projects, add_schedules
from testing.factories import ROOT, print_lines, start_deployment, write_service
from testing.web_client import make_client

#: Generated requests of each operation.
EXAMPLES = 3
#: What each response is checked for. Schemathesis has more checks, which send further
#: requests or expect that names have a pattern in the document.
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
#: One would revoke the token of the client. Of the other, Schemathesis expects that the
#: data of each server-sent event is a value of the whole response's schema.
EXCLUDED = {"DELETE /api/v1/tokens/{id}", "GET /api/v1/deployments/{id}/events"}


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
    web = make_web(settings.model_copy(update={"api_requests_per_minute": 0}))
    yield make_client(web, store, tuple(Permission))
    web.state.deps.store.close()


def test_generated_requests_get_what_the_document_declares(client: TestClient) -> None:
    schema = schemathesis.openapi.from_dict(document(ROUTES))
    statuses: Counter[int] = Counter()
    results = list(schema.get_all_operations())
    operations = [result.ok() for result in results if isinstance(result, Ok)]
    assert len(results) == len(operations)

    for operation in operations:
        if operation.label in EXCLUDED:
            continue

        @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        @hypothesis_settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def send(case: schemathesis.Case[Any]) -> None:
            sent = case.as_transport_kwargs(base_url="http://testserver")
            sent.pop("cookies", None)
            # It generates one, since the document has a security scheme.
            sent["headers"]["Authorization"] = client.headers["Authorization"]
            response = client.request(**sent)
            statuses[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

        send()

    counted = f"{len(operations)} operations, {statuses.total()} requests: {statuses}"
    print(counted)  # noqa: T201 - the figures, in the output of CI
    assert statuses[200] > 0
    assert statuses[401] == statuses[429] == statuses[500] == 0
