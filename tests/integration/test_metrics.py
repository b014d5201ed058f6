"""The metrics: what they count, who reads them, and what a scrape costs."""

import importlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.domain.access import Permission
from app.domain.deployment import Outcome, Status
from app.domain.steps import Steps
from app.settings import Settings
from app.store import deployments
from app.store.deployment_tables import deployment_totals
from app.store.store import Store
from app.usecases import nodes, record
from app.worker.node_instance import new_instance
from testing.factories import (
    add_service,
    make_service,
    request_deployment,
    start_deployment,
)
from testing.scrapes import sample, scrape
from testing.statements import listening
from testing.web_client import ClientFor, make_client, started_web

SITE = {"project": "infra", "service": "site", "environment": "live"}


def run(
    store: Store, settings: Settings, seconds: float, status: Status, **fields: Any
) -> int:
    """A deployment of infra/site@live that took some seconds; returns its id."""
    service = make_service(name="infra/site@live", **fields)
    number = start_deployment(store, settings, service).id
    with store.begin() as db:
        locked = deployments.lock(db, number)
        assert locked is not None
        assert locked.deployment.started_at is not None
        at = locked.deployment.started_at + timedelta(seconds=seconds)
        record.end(db, locked.deployment, Outcome(status, ""), Steps([]), 0, at=at)
    return number


@pytest.fixture
def prometheus(client_for: ClientFor) -> TestClient:
    """A client whose token has the one scope that a scrape needs."""
    return client_for((Permission.METRICS,))


def test_deployments_are_counted_by_outcome_and_duration(
    prometheus: TestClient, store: Store, settings: Settings
) -> None:
    run(store, settings, 0.5, Status.SUCCESSFUL)
    run(store, settings, 10, Status.SUCCESSFUL)
    run(store, settings, 10, Status.FAILED)
    run(store, settings, 100_000, Status.TIMEOUT)
    request_deployment(store, settings, make_service(name="idle"))

    found = scrape(prometheus)

    counts = {
        status: found[sample("deployments_total", **SITE, outcome=status)]
        for status in ("successful", "failed", "timeout", "canceled")
    }
    assert {"successful": 2, "failed": 1, "timeout": 1, "canceled": 0} == counts
    duration = "deployment_duration_seconds"
    below = {
        bound: found[sample(f"{duration}_bucket", **SITE, le=bound)]
        for bound in ("1.0", "5.0", "15.0", "10800.0", "+Inf")
    }
    assert {"1.0": 1, "5.0": 1, "15.0": 3, "10800.0": 3, "+Inf": 4} == below
    assert 100_020.5 == found[sample(f"{duration}_sum", **SITE)]
    idle = {"project": "", "service": "idle", "environment": ""}
    assert 0 == found[sample("deployments_total", **idle, outcome="failed")]
    assert sample(f"{duration}_sum", **idle) not in found
    assert 1 == found[sample("active_deployments", status="queued")]
    with store.begin() as db:
        query = text("UPDATE deployments SET created_at = now() - interval '1 hour'")
        db.execute(query)
    assert 3600 <= scrape(prometheus)[sample("oldest_queued_seconds")] < 7200


def test_counters_stay_when_deployments_are_deleted(
    prometheus: TestClient, store: Store, settings: Settings
) -> None:
    run(store, settings, 10, Status.SUCCESSFUL)
    before = scrape(prometheus)

    with store.begin() as db:
        db.execute(text("DELETE FROM deployments"))

    after = scrape(prometheus)
    for name in ("deployments_total", "deployment_duration_seconds"):
        of_before, of_after = (
            {key: value for key, value in each.items() if name in key[0]}
            for each in (before, after)
        )
        assert of_before
        assert of_before == of_after


def test_the_migration_counts_what_has_ended_like_each_end(
    store: Store, settings: Settings
) -> None:
    for seconds in (0, 0.2, 1, 1.1, 15, 10_800, 10_801):
        run(store, settings, seconds, Status.SUCCESSFUL)
    run(store, settings, 3, Status.FAILED, option_defaults={"check": True},
        playbook="site.yml", deploy_script=None)  # fmt: skip
    record.fail(store, request_deployment(store, settings), "not started")
    start_deployment(store, settings, make_service(name="active"))
    query = select(deployment_totals).order_by(*deployment_totals.primary_key)
    with store.begin() as db:
        counted = db.execute(query).all()
        db.execute(text("DELETE FROM deployment_totals"))
        versions = "app.store.migrations.versions"
        module = importlib.import_module(f"{versions}.0019_add_totals_and_pings")
        db.execute(text(module.FILL))
        filled = db.execute(query).all()

    assert len(counted) >= 7
    assert counted == filled


def test_the_last_success_is_not_a_check(
    prometheus: TestClient, store: Store, settings: Settings
) -> None:
    """It is that of the last deployment that wasn't partial."""
    success = sample("since_last_success_seconds", **SITE)
    playbook: dict[str, Any] = {"playbook": "site.yml", "deploy_script": None}

    run(store, settings, 1, Status.FAILED, **playbook)
    assert success not in scrape(prometheus)
    run(store, settings, 1, Status.SUCCESSFUL, **playbook)
    with store.begin() as db:
        db.execute(
            text(
                "UPDATE deployment_totals SET last_complete_at = "
                "last_complete_at - interval '2 hours' WHERE status = 'successful'"
            )
        )
    number = start_deployment(store, settings, make_service(name="infra/site@live"))
    with store.begin() as db:
        db.execute(
            text("UPDATE deployments SET partial = true WHERE id = :id"),
            {"id": number.id},
        )
    record.finish(store, number.id, 0)

    found = scrape(prometheus)
    assert 7000 <= found[success] < 20_000
    counted = sample("deployments_total", **SITE, outcome="successful")
    assert 2 == found[counted]


def test_a_node_reports_its_state_and_how_far_its_followers_are_behind(
    prometheus: TestClient, store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    seen: list[dict[int, int]] = []

    def measure(offsets: Any) -> tuple[int, float]:
        seen.append(dict(offsets))
        return 4096, 2.5

    nodes.beat(
        store,
        settings.node,
        me=new_instance(settings.var),
        concurrency=3,
        measure_lag=measure,
    )

    found = scrape(prometheus)
    node = {"node": settings.node}
    assert [{running.id: 0}] == seen
    assert 1 == found[sample("node_state", **node, state="ready")]
    assert 0 == found[sample("node_state", **node, state="away")]
    assert 3 == found[sample("node_concurrency", **node)]
    assert 1 == found[sample("node_running_deployments", **node)]
    assert 4096 == found[sample("follower_lag_bytes", **node)]
    assert 2.5 == found[sample("follower_lag_seconds", **node)]
    assert 0 <= found[sample("node_heartbeat_age_seconds", **node)] < 60
    assert 0 == found[sample("web_event_streams")]
    assert 0 <= found[sample("web_event_loop_lag_seconds")]


def test_a_late_schedule_is_measured(prometheus: TestClient, store: Store) -> None:
    service = add_service(store)
    with store.begin() as db:
        db.execute(
            text(
                "INSERT INTO schedules (service_id, name, config, next_at, problem) "
                "SELECT id, 'late', '{}', now() - interval '1 hour', 'skipped' "
                "FROM services WHERE name = :name"
            ),
            {"name": service.name},
        )

    found = scrape(prometheus)

    assert 1 == found[sample("schedules_due")]
    assert 3600 <= found[sample("schedule_lateness_seconds")] < 7200
    assert 1 == found[sample("schedules_with_problem")]
    assert 0 == found[sample("waiting_pings")]


def test_messages_that_wait_or_have_failed_are_counted(
    prometheus: TestClient, store: Store
) -> None:
    with store.begin() as db:
        db.execute(
            text(
                "INSERT INTO notifications (event, channel, key, state, created_at) "
                "VALUES ('test', 'ops', 'a', 'sent', now() - interval '9 hours'),"
                " ('test', 'ops', 'b', 'pending', now() - interval '1 hour'),"
                " ('test', 'ops', 'c', 'sending', now()),"
                " ('test', 'ops', 'd', 'failed', now())"
            )
        )

    found = scrape(prometheus)

    assert 2 == found[sample("waiting_notifications")]
    assert 3600 <= found[sample("oldest_notification_seconds")] < 7200
    assert 1 == found[sample("failed_notifications")]
    assert 0 == found[sample("failed_webhook_deliveries")]


def test_no_metric_has_a_label_for_a_host_or_a_deployment(
    prometheus: TestClient, store: Store, settings: Settings
) -> None:
    run(store, settings, 1, Status.FAILED)

    labels = {label for _, pairs in scrape(prometheus) for label, _ in pairs}

    allowed = {*SITE, "outcome", "le", "status", "node", "state", "version"}
    assert labels <= allowed


def test_a_setting_opens_the_metrics_to_everybody_but_not_with_a_wrong_token(
    store: Store, settings: Settings
) -> None:
    opened = settings.model_copy(update={"public_metrics": True})

    with started_web(opened) as web:
        client = make_client(web, store, None)
        answer = client.get("/metrics")
        wrong = client.get("/metrics", headers={"Authorization": "Bearer fd_no"})
        elsewhere = client.get("/api/v1/nodes")

    assert 200 == answer.status_code
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "fastdeploy_info" in answer.text
    assert (401, 401) == (wrong.status_code, elsewhere.status_code)


def test_the_number_of_queries_does_not_depend_on_what_there_is(
    prometheus: TestClient, web: Starlette, store: Store, settings: Settings
) -> None:
    prometheus.get("/metrics")
    counts = []
    for services in (1, 5):
        for number in range(services):
            request_deployment(store, settings, make_service(name=f"s{number}"))
        with listening(web.state.deps.store.engine) as recorded:
            prometheus.get("/metrics")
        counts.append(len(recorded.statements))

    assert counts[0] == counts[1] <= 8


def test_an_ended_deployment_is_counted_once(store: Store, settings: Settings) -> None:
    number = run(store, settings, 1, Status.FAILED)

    record.finish(store, number, 0)

    with store.begin() as db:
        columns = deployment_totals.c.status, deployment_totals.c["count"]
        rows = db.execute(select(*columns)).all()
    assert [("failed", 1)] == [tuple(row) for row in rows]
