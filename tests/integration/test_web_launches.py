"""A launch by a form and by the API, and what is answered if it can't be done."""

import pytest
from sqlalchemy import text

from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from testing.factories import (
    add_service,
    make_schema,
    make_service,
    request_deployment,
)
from testing.web_client import ClientFor, csrf_of

EVERYTHING = tuple(Permission)


CANARY = "hunter2-canary"


HOSTILE = "<script>alert(1)</script>\x1b]0;x\x07\x1b[31m\"'"


def test_launching_by_form_leads_to_the_deployment(
    client_for: ClientFor, store: Store
) -> None:
    schema = make_schema(count={"type": "integer"}, loud={"type": "boolean"})
    add_service(store, make_service(variables=schema))
    client = client_for(Role.DEPLOYER)
    form = {
        "csrf_token": csrf_of(client, store),
        "idempotency_key": "k",
        "var.count": "3",
        "var.loud": "true",
    }

    first, second = (client.post("/services/hello/deploy", data=form) for _ in range(2))

    assert [303, 303] == [first.status_code, second.status_code]
    assert first.headers["location"] == second.headers["location"]
    shown = client.get("/api/v1" + first.headers["location"]).json()
    assert {"count": 3, "loud": True} == shown["variables"]
    assert ("deployer", "browser") == (shown["actor"], shown["origin"])


def test_a_file_that_is_sent_with_the_form_is_the_value_of_its_variable(
    client_for: ClientFor, store: Store
) -> None:
    schema = make_schema(config={"contentMediaType": "text/plain"}, other={})
    add_service(store, make_service(variables=schema))
    client = client_for(Role.DEPLOYER)
    form = {"csrf_token": csrf_of(client, store), "var.config": "", "var.other": "ü"}
    content = 'a: "ü"\r\n\r\n--b\r\n'.encode()

    page = client.get("/services/hello")
    sent = client.post(
        "/services/hello/deploy", data=form, files={"file.config": ("a.yml", content)}
    )
    refused = client.post(
        "/services/hello/deploy", data=form, files={"file.config": ("a", b"\xff")}
    )

    assert 'enctype="multipart/form-data"' in page.text
    shown = client.get("/api/v1" + sent.headers["location"]).json()
    assert {"config": content.decode(), "other": "ü"} == shown["variables"]
    assert 422 == refused.status_code
    assert "is not text in UTF-8" in refused.text


def test_a_bad_variable_is_said_beside_its_field_and_nothing_is_lost(
    client_for: ClientFor, store: Store
) -> None:
    schema = make_schema(secret="token", count={"type": "integer"}, note={})
    add_service(store, make_service(variables=schema))
    client = client_for(Role.DEPLOYER)
    form = {
        "csrf_token": csrf_of(client, store),
        "var.count": HOSTILE,
        "var.note": "kept-note",
        "var.token": CANARY,
        "var.ansible_connection": "local",
    }

    unknown = client.post("/services/hello/deploy", data=form)
    del form["var.ansible_connection"]
    bad = client.post("/services/hello/deploy", data=form)

    assert [422, 422] == [unknown.status_code, bad.status_code]
    assert "ansible_connection" in unknown.text
    assert "is not of type" in bad.text
    assert "kept-note" in bad.text
    assert CANARY not in bad.text
    assert "<script>alert" not in bad.text
    assert [] == client.get("/api/v1/deployments").json()


def test_a_broken_service_is_a_409(client_for: ClientFor, store: Store) -> None:
    add_service(store)
    with store.begin() as db:
        db.execute(text("UPDATE services SET error = 'no JSON'"))
    client = client_for(EVERYTHING)

    answer = client.post("/api/v1/deployments", json={"service": "hello"})

    assert 409 == answer.status_code
    assert "no JSON" in answer.json()["error"]


def test_the_api_launches_with_a_201(client_for: ClientFor, store: Store) -> None:
    add_service(store)
    client = client_for(EVERYTHING)

    answer = client.post("/api/v1/deployments", json={"service": "hello"})

    body = answer.json()
    assert 201 == answer.status_code
    assert f"/api/v1/deployments/{body['id']}" == answer.headers["location"]
    assert ("queued", "hello", "api", 0) == (
        body["status"], body["service"], body["origin"], body["queue_position"],
    )  # fmt: skip
    assert ["prepare", "verify"] == [step["name"] for step in body["steps"]]
    assert body == client.get(answer.headers["location"]).json()


def test_a_repeated_launch_with_the_same_key_is_the_same(
    client_for: ClientFor, store: Store
) -> None:
    add_service(store)
    client = client_for(EVERYTHING)

    ids = [
        client.post("/api/v1/deployments", json={"service": "hello"},
                    headers={"Idempotency-Key": key}).json()["id"]
        for key in ("a", "a", "b")
    ]  # fmt: skip

    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("content", "about"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (b'{"service": 5}', "service"),
        (b"{}", "service"),
        (b'{"service": "hello", "extra": 1}', "extra"),
        (b'{"service": "hello", "variables": []}', "variables"),
        (b'{"service": "hello", "variables": {"a": "x"}}', "a"),
        (b'{"service": "hello", "variables": {"n": NaN}}', "JSON"),
        (b'{"service": "hello", "variables": {"n": 1e999}}', "JSON"),
        (b'{"service": "hello", "variables": {"n": 1%b}}' % (b"0" * 400), "JSON"),
        (b'{"service": "hello", "variables": {"n": "\\ud800"}}', "JSON"),
        (b'{"service": "hello", "variables": ' + b'{"n":' * 5000, "JSON"),
        (b'{"service": "\xff"}', "JSON"),
    ],
    ids=["empty", "cut", "array", "service-number", "no-service", "extra-key",
         "variables-list", "bad-variable", "nan", "infinity", "huge-number",
         "lone-surrogate", "deep", "latin-1"],
)  # fmt: skip
def test_a_launch_that_makes_no_sense_is_a_422_that_says_why(
    client_for: ClientFor, store: Store, content: bytes, about: str
) -> None:
    add_service(store, make_service(variables=make_schema(a={"type": "integer"}, n={})))

    answer = client_for(EVERYTHING).post(
        "/api/v1/deployments",
        content=content,
        headers={"Content-Type": "application/json"},
    )

    assert 422 == answer.status_code
    assert about in answer.text


def test_bad_variables_are_named_one_by_one(
    client_for: ClientFor, store: Store
) -> None:
    schema = make_schema(secret="token", a={"type": "integer"})
    add_service(store, make_service(variables=schema))

    answer = client_for(EVERYTHING).post(
        "/api/v1/deployments",
        json={"service": "hello", "variables": {"a": "x", "token": [CANARY]}},
    )

    assert 422 == answer.status_code
    assert {"a", "token"} == set(answer.json()["problems"])
    assert CANARY not in answer.text


@pytest.mark.parametrize("name", ["nothing", "a\0b"])
def test_an_unknown_service_is_a_404(client_for: ClientFor, name: str) -> None:
    answer = client_for(EVERYTHING).post("/api/v1/deployments", json={"service": name})

    assert 404 == answer.status_code


def test_secrets_are_in_no_answer(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    service = make_service(variables=make_schema(secret="token"))
    number = request_deployment(store, settings, service, given={"token": CANARY})
    client = client_for(Role.ADMIN)

    for path in ("/", "/services/hello", f"/deployments/{number}", "/api/v1/services",
                 f"/api/v1/deployments/{number}", "/api/v1/deployments"):  # fmt: skip
        answer = client.get(path)
        assert 200 == answer.status_code
        assert CANARY not in answer.text


def test_sync_by_api_says_what_was_found(
    client_for: ClientFor, settings: Settings
) -> None:
    (settings.services / "bad").mkdir()

    found = client_for(EVERYTHING).post("/api/v1/services/sync").json()

    assert (["bad"], [], []) == (
        list(found["invalid"]),
        found["valid"],
        found["archived"],
    )


def test_sync_by_button_leads_back_with_what_was_found(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    (settings.services / "bad").mkdir()
    client = client_for(Role.ADMIN)

    answer = client.post("/services/sync", data={"csrf_token": csrf_of(client, store)})

    assert 303 == answer.status_code
    assert "1 invalid" in client.get(answer.headers["location"]).text
