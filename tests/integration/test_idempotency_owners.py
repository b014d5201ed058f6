"""Idempotency keys belong to one user, token or schedule, and to one request."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.access import Permission, Role
from app.queue import make_queue
from app.settings import Settings
from app.store import services as service_rows
from app.store.deployment_tables import deployments
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import due_schedules, record, schedules, tokens
from testing.factories import (
    PASSWORD,
    ROOT,
    add_service,
    make_service,
    request_deployment,
)
from testing.web_client import ClientFor, csrf_of, started_web

SCOPES = (Permission.DEPLOY, Permission.VIEW)
SENT: dict[str, Any] = {"service": "hello"}


def count(store: Store) -> int:
    with store.begin() as db:
        return db.scalar(select(func.count()).select_from(deployments)) or 0


def bearer(store: Store, name: str) -> dict[str, str]:
    """Headers with a new token and an idempotency key."""
    secret = tokens.create_token(store, ROOT, name, SCOPES)
    return {"Authorization": f"Bearer {secret}", "Idempotency-Key": "k"}


def sync(store: Store, *found: Any) -> None:
    """Store services with their schedules; all others are archived."""
    with store.begin() as db:
        service_rows.put(
            db, [FoundService(each.name, each) for each in found], node="here"
        )
        service_rows.unregister_all_but(db, {each.name for each in found}, node="here")
        service_rows.settle(db)
        schedules.sync(db, {each.name: each for each in found})


def test_a_token_with_the_name_of_a_revoked_one_has_its_own_keys(
    store: Store, client_for: ClientFor
) -> None:
    add_service(store)
    client = client_for(None)

    first = client.post("/api/v1/deployments", json=SENT, headers=bearer(store, "ci"))
    tokens.revoke_token(store, ROOT, "ci")
    second = client.post("/api/v1/deployments", json=SENT, headers=bearer(store, "ci"))

    assert [201, 201] == [first.status_code, second.status_code]
    assert first.json()["actor"] == second.json()["actor"]
    assert first.json()["id"] != second.json()["id"]
    assert 2 == count(store)


def test_a_user_keeps_a_key_over_a_new_login(
    store: Store, client_for: ClientFor
) -> None:
    """The session is another one; the user is the same."""
    add_service(store)
    client = client_for(Role.DEPLOYER)
    found = []
    for _ in "12":
        form = {"csrf_token": csrf_of(client, store), "idempotency_key": "k"}
        answer = client.post("/services/hello/deploy", data=form)
        found.append(answer.headers["location"])
        client.post("/logout", data=form)
        login = {"name": "deployer", "password": PASSWORD}
        client.post("/login", data=login)

    assert found[0] == found[1]
    assert 1 == count(store)


@pytest.mark.parametrize(
    "other",
    [{"priority": 0}, {"variables": {}}, {"options": {"check": True}}],
    ids=str,
)
def test_another_body_with_the_same_key_is_a_problem_that_says_what_to_do(
    store: Store, client_for: ClientFor, other: dict[str, Any]
) -> None:
    add_service(store)
    client, headers = client_for(None), bearer(store, "ci")
    first = client.post("/api/v1/deployments", json=SENT, headers=headers).json()["id"]

    answer = client.post("/api/v1/deployments", json=SENT | other, headers=headers)

    assert 422 == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    problem = answer.json()
    assert 422 == problem["status"]
    assert f"belongs to deployment {first}" in problem["detail"]
    assert "use a new key for each request" in problem["detail"]
    assert 1 == count(store)


def test_a_key_of_a_launch_is_refused_at_another_path(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    """A retry and the run of a schedule have no body: their path is the request."""
    sync(store, make_service(schedules=[{"name": "nightly", "cron": "0 * * * *"}]))
    ended = request_deployment(store, settings, make_service())
    record.mark_starting(store, ended, "test")
    record.fail(store, ended, "gone")
    schedule = schedules.find_named(store, "hello", "nightly").stored.id
    client, headers = client_for(None), bearer(store, "ci")
    paths = [f"/api/v1/schedules/{schedule}/run", f"/api/v1/deployments/{ended}/retry"]

    run, refused = (client.post(path, headers=headers) for path in paths)
    again = client.post(paths[0], headers=headers)

    assert [201, 422, 201] == [each.status_code for each in (run, refused, again)]
    assert run.json()["id"] == again.json()["id"]
    assert 2 == count(store)


def test_a_request_is_repeated_after_its_service_was_archived(
    store: Store, client_for: ClientFor
) -> None:
    add_service(store)
    client, headers = client_for(None), bearer(store, "ci")
    first = client.post("/api/v1/deployments", json=SENT, headers=headers)
    sync(store, make_service(name="other"))

    again = client.post("/api/v1/deployments", json=SENT, headers=headers)
    new_key = {**headers, "Idempotency-Key": "new"}
    refused = client.post("/api/v1/deployments", json=SENT, headers=new_key)

    assert [201, 201] == [first.status_code, again.status_code]
    assert first.json()["id"] == again.json()["id"]
    assert 409 == refused.status_code


def test_a_schedule_launches_although_somebody_has_used_a_key_like_its_own(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    sync(store, make_service(schedules=[{"name": "nightly", "cron": "0 * * * *"}]))
    planned = schedules.find_named(store, "hello", "nightly").stored
    assert planned.next_at is not None
    instant = planned.next_at
    headers = bearer(store, "schedule nightly")
    headers["Idempotency-Key"] = f"schedule:{planned.id}:{instant.isoformat()}"
    client = client_for(None)
    mine = client.post("/api/v1/deployments", json=SENT, headers=headers).json()["id"]
    record.mark_starting(store, mine, "test")
    record.fail(store, mine, "gone")

    (its,) = due_schedules.launch_due(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        moment=instant,
    ).launched
    again = client.post("/api/v1/deployments", json=SENT, headers=headers).json()["id"]

    assert mine == again != its
    assert 2 == count(store)


def test_equal_requests_to_two_web_processes_launch_once(
    store: Store, settings: Settings
) -> None:
    add_service(store)
    headers = bearer(store, "ci")
    begin = threading.Barrier(6)

    def send(client: TestClient) -> tuple[int, int]:
        begin.wait()
        answer = client.post("/api/v1/deployments", json=SENT, headers=headers)
        return answer.status_code, answer.json()["id"]

    with (
        started_web(settings) as one,
        started_web(settings) as two,
        ThreadPoolExecutor(6) as pool,
    ):
        clients = [TestClient(web) for web in (one, two)] * 3
        found = set(pool.map(send, clients))

    assert 1 == len(found)
    assert 201 == found.pop()[0]
    assert 1 == count(store)


def test_a_key_that_an_earlier_release_stored_gives_its_deployment(
    store: Store, client_for: ClientFor
) -> None:
    """Such a key has no owner, and the fingerprint is of something else."""
    add_service(store)
    client, headers = client_for(None), bearer(store, "ci")
    first = client.post("/api/v1/deployments", json=SENT, headers=headers).json()["id"]
    with store.begin() as db:
        db.execute(update(deployments).values(key_owner=None, fingerprint=b"earlier"))

    again = client.post("/api/v1/deployments", json=SENT, headers=headers)
    other = bearer(store, "other")
    others = client.post("/api/v1/deployments", json=SENT, headers=other).json()["id"]

    assert 201 == again.status_code
    assert first == again.json()["id"] != others
