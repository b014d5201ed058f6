"""Schedules are created, changed and removed with the API and in the browser."""

from datetime import datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.domain.access import Permission, Role
from app.domain.service import Service
from app.store import services
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import schedules
from testing.factories import make_schema, make_service
from testing.web_client import ClientFor, csrf_of

NIGHTLY = {"name": "nightly", "cron": "0 3 * * *", "timezone": "Europe/Berlin"}


def put(store: Store, service: Service) -> None:
    with store.begin() as db:
        services.put(db, [FoundService(service.name, service)], node="here")
        schedules.sync(db, {service.name: service})


@pytest.fixture
def api(client_for: ClientFor, store: Store) -> TestClient:
    """A client whose token may view and deploy; there is a service `hello`."""
    put(store, make_service(variables=make_schema(version={"type": "string"})))
    return client_for((Permission.VIEW, Permission.DEPLOY))


def create(api: TestClient, **fields: Any) -> Any:
    answer = api.post("/api/v1/schedules", json={"service": "hello"} | NIGHTLY | fields)
    assert 201 == answer.status_code, answer.text
    return answer.json()


def test_the_api_creates_changes_and_removes_a_schedule(api: TestClient) -> None:
    made = create(api, variables={"version": "1.10"})
    place = f"/api/v1/schedules/{made['id']}"

    changed = api.put(place, json=NIGHTLY | {"cron": "30 4 * * *", "overlap": "queue"})
    found = api.get(place).json()

    assert {"version": "1.10"} == made["variables"]
    assert 200 == changed.status_code
    assert ("30 4 * * *", "queue", {}) == (
        found["cron"], found["overlap"], found["variables"]
    )  # fmt: skip
    assert 30 == datetime.fromisoformat(found["next_at"]).minute
    assert made["created_by"] == found["created_by"]
    assert 200 == api.delete(place).status_code
    assert 404 == api.get(place).status_code


def test_a_paused_schedule_stays_paused_when_it_is_changed(api: TestClient) -> None:
    place = f"/api/v1/schedules/{create(api)['id']}"

    paused = api.post(f"{place}/pause", json={}).json()
    changed = api.put(place, json=NIGHTLY | {"cron": "0 5 * * *"}).json()
    resumed = api.post(f"{place}/resume").json()

    assert (True, None) == (paused["paused"], paused["next_at"])
    assert (True, None) == (changed["paused"], changed["next_at"])
    assert not resumed["paused"]
    assert resumed["next_at"]


def test_a_pause_ends_at_a_time_of_the_schedules_zone(api: TestClient) -> None:
    place = f"/api/v1/schedules/{create(api)['id']}"

    paused = api.post(f"{place}/pause", json={"until": "2999-07-01T12:00"})
    past = api.post(f"{place}/pause", json={"until": "1999-07-01T12:00"})

    assert "2999-07-01T10:00:00Z" == paused.json()["paused_until"]
    assert 422 == past.status_code


def test_a_schedule_is_run_once_for_one_idempotency_key(api: TestClient) -> None:
    place = f"/api/v1/schedules/{create(api, variables={'version': '2'})['id']}/run"

    first, second = (
        api.post(place, headers={"Idempotency-Key": "a"}) for _ in range(2)
    )

    assert [201, 201] == [first.status_code, second.status_code]
    assert {"version": "2"} == first.json()["variables"]
    assert first.json()["id"] == second.json()["id"]


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"at": "2999-01-01T00:00"}, "cron"),
        ({"cron": "", "at": "1999-01-01T00:00"}, "future"),
        ({"variables": {"other": 1}}, "other"),
        ({"timezone": "Europe/Nowhere"}, "timezone"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_invalid_schedule_is_refused_and_stays_as_it_was(
    api: TestClient, fields: dict[str, Any], key: str
) -> None:
    made = create(api)
    place = f"/api/v1/schedules/{made['id']}"

    created = api.post(
        "/api/v1/schedules",
        json={"service": "hello"} | NIGHTLY | {"name": "b"} | fields,
    )
    replaced = api.put(place, json=NIGHTLY | fields)

    assert [422, 422] == [created.status_code, replaced.status_code]
    assert key in created.text
    assert key in replaced.text
    assert made == api.get(place).json()


def test_a_schedule_of_a_file_and_the_name_of_one_cant_be_changed(
    api: TestClient, store: Store
) -> None:
    own = f"/api/v1/schedules/{create(api)['id']}"
    put(store, make_service(schedules=[{"name": "hourly", "cron": "0 * * * *"}]))
    of_file = schedules.find_named(store, "hello", "hourly").stored.id

    refused = api.put(f"/api/v1/schedules/{of_file}", json=NIGHTLY | {"name": "hourly"})
    removed = api.delete(f"/api/v1/schedules/{of_file}")
    renamed = api.put(own, json=NIGHTLY | {"name": "other"})

    assert [409, 409, 422] == [
        answer.status_code for answer in (refused, removed, renamed)
    ]


def test_the_browser_changes_a_schedule_to_one_launch(
    client_for: ClientFor, api: TestClient, store: Store
) -> None:
    browser = client_for(Role.DEPLOYER)
    browser.headers["X-CSRF-Token"] = csrf_of(browser, store)
    place = f"/schedules/{create(api, variables={'version': '7'})['id']}"

    form = browser.get(f"{place}/edit").text
    sent = {"name": "nightly", "at": "2999-12-24T22:00", "timezone": "Europe/Berlin",
            "missed": "skip", "overlap": "skip", "var.version": "8"}  # fmt: skip
    changed = browser.post(f"{place}/edit", data=sent)
    both = browser.post(f"{place}/edit", data=sent | {"cron": "0 3 * * *"})

    assert 'value="0 3 * * *"' in form
    assert 'value="7"' in form
    assert f"{place}?done=changed" == changed.headers["location"]
    stored = api.get(f"/api/v1{place}").json()
    assert "2999-12-24T21:00:00Z" == stored["next_at"]
    assert {"version": "8"} == stored["variables"]
    assert 422 == both.status_code
