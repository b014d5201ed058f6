"""The spans of a deployment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.domain.deployment import Deployment, Origin, Status
from app.domain.events import StepState, TaskResult
from app.domain.otlp import parse_headers
from app.domain.steps import Step
from app.domain.trace import (
    HostDone,
    PlayStarted,
    RunEvent,
    Span,
    TaskStarted,
    spans_of,
    trace_id_of,
)
from app.settings import Settings
from testing.factories import make_service

START = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def make_deployment(**overrides: Any) -> Deployment:
    values: dict[str, Any] = {
        "id": 7,
        "service_id": 1,
        "service_name": "infra/site@staging",
        "service": make_service(name="site"),
        "status": Status.SUCCESSFUL,
        "reason": "",
        "actor": "ada",
        "origin": Origin.API,
        "variables": {},
        "created_at": START,
        "started_at": at(2),
        "finished_at": at(60),
        "exit_code": 0,
        "node": "here",
        "last_event": 9,
        "journal_offset": 0,
    }
    return Deployment(**values | overrides)


def by_name(spans: list[Span]) -> dict[str, Span]:
    return {span.name: span for span in spans}


def test_a_script_has_its_steps_after_the_preparation() -> None:
    steps = [
        Step(0, "build", True, StepState.SUCCESS, "", at(5), at(20)),
        Step(1, "switch", True, StepState.FAILURE, "", at(20), at(30)),
        Step(2, "clean", True, StepState.SKIPPED, "", None, None),
    ]
    deployment = make_deployment(status=Status.TIMEOUT)

    root, *spans = spans_of(deployment, steps, [], "")

    assert ["queue", "prepare", "step build", "step switch"] == [s.name for s in spans]
    assert [(START, at(2)), (at(2), at(5)), (at(5), at(20)), (at(20), at(30))] == [
        (span.start, span.end) for span in spans
    ]
    assert [False, False, False, True] == [span.failed for span in spans]
    assert (True, "timeout") == (root.failed, root.attributes["fastdeploy.status"])
    assert "staging" == root.attributes["deployment.environment.name"]
    assert "url.full" not in root.attributes


def test_a_task_lasts_from_its_first_host_to_its_last() -> None:
    """A task of the same name runs again, and one result has no task."""
    ok, failed = TaskResult.OK, TaskResult.FAILED
    run: list[RunEvent] = [
        PlayStarted(at(5), "All"),
        TaskStarted(at(6), "Ping"),
        HostDone(at(9), "Ping", "one", ok, at(6)),
        HostDone(at(8), "Ping", "two", failed, at(5.5)),
        TaskStarted(at(10), "Ping"),
        HostDone(at(12), "Ping", "one", ok, at(10)),
        HostDone(at(13), "Other", "one", TaskResult.IGNORED, at(12)),
    ]
    service = make_service(
        name="site", deploy_script=None, playbook="site.yml", steps=[]
    )

    spans = list(spans_of(make_deployment(service=service), [], run, ""))

    pings = [span for span in spans if span.name == "task Ping"]
    assert [(at(5.5), at(9), True), (at(10), at(12), False)] == [
        (span.start, span.end, span.failed) for span in pings
    ]
    play = by_name(spans)["play All"]
    assert (at(5), at(13), True) == (play.start, play.end, play.failed)
    assert {play.key} == {span.parent for span in pings}
    hosts = [span for span in spans if "host.name" in span.attributes]
    first, second = (ping.key for ping in pings)
    assert [first, first, second, play.key] == [span.parent for span in hosts]
    assert len(spans) == len({span.key for span in spans})


def test_a_deployment_that_never_started_has_its_queue() -> None:
    deployment = make_deployment(
        started_at=None, status=Status.CANCELED, finished_at=at(4)
    )

    root, queue = spans_of(deployment, [], [], "")

    assert (START, at(4)) == (queue.start, queue.end)
    assert not root.failed


def test_each_deployment_has_a_trace_of_its_own() -> None:
    ids = {
        trace_id_of(7, START, "a"),
        trace_id_of(8, START, "a"),
        trace_id_of(7, at(1), "a"),
        trace_id_of(7, START, "b"),
    }

    assert 4 == len(ids)
    assert {32} == {len(each) for each in ids}
    # A time of PostgreSQL in another time zone is the same instant.
    assert trace_id_of(7, START, "a") == trace_id_of(7, START.astimezone(), "a")


def test_headers_are_parsed() -> None:
    given = SecretStr("Authorization=Bearer a=b, X-Scope-OrgID=1,")

    assert {"Authorization": "Bearer a=b", "X-Scope-OrgID": "1"} == parse_headers(given)


@pytest.mark.parametrize(
    "given",
    [
        {"otlp_url": "127.0.0.1:4318"},
        {"otlp_url": "http://ada:canary@collector/v1/traces"},
        {"otlp_url": "http://collector/v1/traces?key=canary"},
        {"otlp_headers": SecretStr("canary")},
        {"otlp_headers": SecretStr("X-Token=canary\r\nX-Other: 1")},
    ],
)
def test_a_malformed_collector_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must be"):
        Settings(**given)
