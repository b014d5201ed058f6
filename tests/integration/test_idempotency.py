"""Idempotency keys: the same request launches once, another one is refused."""

import re
import threading
from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.access import Permission, Role
from app.domain.deployment import Origin
from app.errors import Invalid, KeyReused
from app.queue import make_queue
from app.settings import Settings
from app.store.deployment_tables import deployments
from app.store.store import Store
from app.usecases import deploy, record
from app.usecases.idempotency import RequestKey
from testing.factories import (
    ROOT,
    add_service,
    make_schema,
    make_service,
    request_deployment,
)
from testing.web_client import ClientFor, csrf_of

SERVICE = make_service(
    variables=make_schema("password", size={"type": "integer"}, on={"type": "boolean"})
)
OPEN_SERVICE = make_service(variables=make_schema(size={"type": "integer"}))
SENT: dict[str, Any] = {"service": "hello", "variables": {"size": 1, "password": "a"}}


def count(store: Store) -> int:
    with store.begin() as db:
        return db.scalar(select(func.count()).select_from(deployments)) or 0


def launch(client: TestClient, body: object, key: str = "k") -> tuple[int, Any]:
    answer = client.post(
        "/api/v1/deployments", json=body, headers={"Idempotency-Key": key}
    )
    return answer.status_code, answer.json()


def test_the_same_request_gives_the_same_deployment(
    store: Store, client_for: ClientFor
) -> None:
    add_service(store, SERVICE)
    client = client_for(Role.DEPLOYER)
    client.headers["X-CSRF-Token"] = csrf_of(client, store)
    reordered = {"variables": {"password": "a", "size": 1}, "service": "hello"}

    (first, body), (second, again) = launch(client, SENT), launch(client, reordered)

    assert [201, 201] == [first, second]
    assert body["id"] == again["id"]
    assert 1 == count(store)


@pytest.mark.parametrize(
    "other",
    [
        {"service": "other"},
        {"service": "nothing"},
        {"variables": {"size": 2, "password": "a"}},
        {"variables": {"size": 1, "password": "b"}},
        {"variables": {"size": 1.0, "password": "a"}},
        {"variables": {"size": 1, "password": "a", "unknown": 1}},
        {"variables": {}},
        {"priority": 1},
    ],
    ids=str,
)
def test_another_request_with_the_same_key_is_refused(
    store: Store, client_for: ClientFor, other: dict[str, Any]
) -> None:
    add_service(store, SERVICE)
    add_service(store, SERVICE.model_copy(update={"name": "other"}))
    client = client_for((Permission.DEPLOY, Permission.VIEW))
    _, first = launch(client, SENT)

    status, body = launch(client, SENT | other)

    assert 422 == status
    assert f"belongs to deployment {first['id']}" in body["error"]
    assert "use a new key" in body["error"]
    assert 1 == count(store)


def test_a_key_belongs_to_the_actor_who_sent_it(
    store: Store, client_for: ClientFor
) -> None:
    add_service(store, SERVICE)
    one = client_for((Permission.DEPLOY, Permission.VIEW))
    two = client_for((Permission.DEPLOY,))

    ids = {launch(client, SENT)[1]["id"] for client in (one, two)}

    assert 2 == len(ids) == count(store)


def test_a_key_of_an_earlier_release_gives_its_deployment(
    store: Store, settings: Settings
) -> None:
    """Such a key has no fingerprint; a client repeats its request over an update."""
    first = request_deployment(store, settings, idempotency_key="k")
    with store.begin() as db:
        db.execute(update(deployments).values(fingerprint=None))

    assert first == request_deployment(store, settings, idempotency_key="k")


def test_the_fingerprint_of_a_request_depends_on_the_secret_key(
    store: Store, settings: Settings
) -> None:
    """Else a short secret among the variables could be guessed from the database."""
    request_deployment(store, settings, idempotency_key="k")
    other = bootstrap.make_secret_box(
        settings.model_copy(update={"secret_key": type(settings.secret_key)("x" * 40)})
    )

    with pytest.raises(KeyReused):
        deploy.launch(
            store, make_queue(settings), other, actor=ROOT,
            origin=Origin.CLI, service_name="hello", given={},
            idempotency_key=RequestKey("k"),
        )  # fmt: skip


@pytest.mark.parametrize("key", ["", "a\0b", "x" * 201, "é"])
def test_a_malformed_key_is_refused(store: Store, settings: Settings, key: str) -> None:
    with pytest.raises(Invalid, match="200"):
        request_deployment(store, settings, idempotency_key=key)


# Forms


def key_on(page: str) -> str:
    """The idempotency key in a page's form."""
    found = re.search(r'name="idempotency_key" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_form_that_is_sent_again_with_other_values_says_so(
    store: Store, client_for: ClientFor
) -> None:
    """Somebody goes back in the browser, changes a value, and sends the form again."""
    add_service(store, OPEN_SERVICE)
    client = client_for(Role.DEPLOYER)
    form = {
        "csrf_token": csrf_of(client, store),
        "idempotency_key": key_on(client.get("/services/hello").text),
        "var.size": "1",
    }
    launched = client.post("/services/hello/deploy", data=form).headers["location"]

    changed = form | {"var.size": "2"}
    refused = client.post("/services/hello/deploy", data=changed)

    assert 422 == refused.status_code
    assert "The service was not launched" in refused.text
    assert f'already launched <a href="{launched}">' in refused.text
    assert 'value="2"' in refused.text
    assert 1 == count(store)

    fresh = changed | {"idempotency_key": key_on(refused.text)}
    assert 303 == client.post("/services/hello/deploy", data=fresh).status_code
    assert 2 == count(store)


def test_run_again_clicked_twice_launches_once(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    number = request_deployment(store, settings, OPEN_SERVICE)
    record.mark_starting(store, number, "test")
    record.fail(store, number, "gone")
    client = client_for(Role.DEPLOYER)
    form = {
        "csrf_token": csrf_of(client, store),
        "idempotency_key": key_on(client.get(f"/deployments/{number}").text),
    }

    twice = [client.post(f"/deployments/{number}/retry", data=form) for _ in "12"]

    assert [303, 303] == [answer.status_code for answer in twice]
    assert 1 == len({answer.headers["location"] for answer in twice})
    assert 2 == count(store)
    # A page that is loaded again has another key: it may be run again on purpose.
    form["idempotency_key"] = key_on(client.get(f"/deployments/{number}").text)
    client.post(f"/deployments/{number}/retry", data=form)
    assert 3 == count(store)


def test_a_retry_by_the_api_with_a_key_launches_once(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    numbers = [request_deployment(store, settings, OPEN_SERVICE) for _ in "12"]
    for number in numbers:
        record.mark_starting(store, number, "test")
        record.fail(store, number, "gone")
    client = client_for((Permission.DEPLOY, Permission.VIEW))
    client.headers["Idempotency-Key"] = "k"

    first, same, other = (
        client.post(f"/api/v1/deployments/{number}/retry")
        for number in (numbers[0], numbers[0], numbers[1])
    )

    assert [201, 201, 422] == [a.status_code for a in (first, same, other)]
    assert first.json()["id"] == same.json()["id"]
    assert 3 == count(store)


def test_two_clicks_at_once_launch_once(store: Store, settings: Settings) -> None:
    service = add_service(store)
    queue = make_queue(settings)
    secret_box = bootstrap.make_secret_box(settings)
    begin = threading.Barrier(4)
    found: list[int] = []

    def click() -> None:
        begin.wait()
        found.append(
            deploy.launch(
                store,
                queue,
                secret_box,
                actor=ROOT,
                origin=Origin.BROWSER,
                service_name=service.name,
                given={},
                idempotency_key=RequestKey("once"),
            )
        )

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 4 == len(found)
    assert 1 == len(set(found)) == count(store)
