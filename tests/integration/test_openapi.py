"""What the API answers is what its OpenAPI document says."""

from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from app.domain.access import Permission
from app.settings import Settings
from app.store.store import Store
from app.usecases import record, services
from testing.factories import ROOT, print_lines, start_deployment, write_service
from testing.web_client import ClientFor

#: Routes whose response is not JSON of our own.
OTHERS = {
    "/api/deployments/{id}/events",
    "/api/deployments/{id}/output",
    "/api/deployments/{id}/artifacts.tar.gz",
    "/api/deployments/{id}/artifacts/{path}",
}


@pytest.fixture
def client(client_for: ClientFor, store: Store, settings: Settings) -> TestClient:
    """A client that may do everything, where there is something of each kind."""
    write_service(settings.services, "hello")
    write_service(settings.services, "broken", {"steps": "none"})
    services.sync_services(store, settings.services, settings.node, ROOT)
    begun = start_deployment(store, settings)
    print_lines(store, begun.id, "one", "two")
    record.finish(store, begun.id, 0)
    start_deployment(store, settings)
    return client_for(tuple(Permission))


def test_every_answer_is_as_the_document_says(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    looked_at = set()

    for path, item in document["paths"].items():
        if "get" not in item or path in OTHERS:
            continue
        url = path.replace("{id}", "1").replace("{name}", "hello")
        answer = client.get(url)
        assert 200 == answer.status_code, url
        require(document, item["get"], answer.status_code, answer.json())
        looked_at.add(path)

    assert len(looked_at) > 5


def require(document: Any, operation: Any, status: int, body: Any) -> None:
    """The body fits the schema of its status; raises ValidationError if not."""
    response = operation["responses"][str(status)]
    schema = response["content"]["application/json"]["schema"]
    jsonschema.validate(body, schema | {"components": document["components"]})
