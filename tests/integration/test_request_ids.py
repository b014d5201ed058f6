"""Log lines have the ids of their request, trace and deployment."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from httpx import Response
from starlette.testclient import TestClient

from app import log
from app.domain.access import Permission
from app.store.store import Store
from testing.factories import add_service, make_service
from testing.web_client import ClientFor

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def client(client_for: ClientFor, store: Store) -> TestClient:
    add_service(store, make_service())
    return client_for((Permission.DEPLOY, Permission.VIEW))


def launch(
    client: TestClient, capsys: pytest.CaptureFixture[str], headers: dict[str, str]
) -> tuple[Response, dict[str, Any]]:
    """Launch `hello`; return the answer, and the log line of the deployment."""
    log.configure("json")
    answer = client.post(
        "/api/v1/deployments", json={"service": "hello"}, headers=headers
    )
    lines = map(json.loads, capsys.readouterr().err.splitlines())
    (found,) = (line for line in lines if line["event"] == "deployment.queued")
    return answer, found


def test_a_launch_logs_its_request_trace_and_deployment(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = {
        "X-Request-Id": "proxy-0123.4567",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    }

    answer, line = launch(client, capsys, headers)

    assert "proxy-0123.4567" == answer.headers["x-request-id"]
    assert answer.json()["id"] == line["deployment"]
    assert ("proxy-0123.4567", TRACE) == (line["request"], line["trace"])


@pytest.mark.parametrize("given", ["short", "a b c d e f", "x" * 65, "é" * 10, ""])
def test_a_malformed_id_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": given.encode()})

    assert 16 == len(answer.headers["x-request-id"])
    assert given != answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "given", ["", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{TRACE}", "00-x-y-z"]
)
def test_a_malformed_trace_is_left_out(
    client: TestClient, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    answer, line = launch(client, capsys, {"traceparent": given})

    assert "trace" not in line
    assert answer.headers["x-request-id"] == line["request"]
