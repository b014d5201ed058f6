"""The pages and the API of credentials: they write values and show none."""

from html import unescape

import pytest
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.access import Permission
from app.domain.credential import Home
from app.encryption import SecretBox
from app.settings import Settings
from app.store import deployments
from app.store.store import Store
from app.usecases import credentials
from app.usecases.credentials import Change
from testing.factories import ROOT, add_service, make_service
from testing.web_client import ClientFor

CANARY = "canary-of-a-credential"
FORM = {"kind": "become", "name": "prod", "home": "stored"}


@pytest.fixture
def secret_box(settings: Settings) -> SecretBox:
    return bootstrap.make_secret_box(settings)


def test_a_credential_is_added_replaced_and_removed_on_its_pages(
    admin: TestClient, store: Store
) -> None:
    add_service(store, make_service(credentials=["become:prod"]))
    listed = admin.get("/admin/credentials").text
    assert "Add become:prod</a> for hello" in listed
    assert "needs the credential become:prod" in admin.get("/services/hello").text
    way = "/admin/new-credential?kind=become&amp;name=prod&amp;home=stored"
    assert way in listed
    assert "Add become:prod" in admin.get(way.replace("&amp;", "&")).text

    added = admin.post("/admin/new-credential", data={**FORM, "password": CANARY})
    again = admin.post("/admin/new-credential", data={**FORM, "password": CANARY})
    replaced = admin.post(
        "/admin/new-credential",
        data={**FORM, "password": f"{CANARY}2", "replace": "true",
              "description": "the shop"},
    )  # fmt: skip

    assert [303, 422, 303] == [each.status_code for each in (added, again, replaced)]
    assert "there is a credential become:prod already" in again.text
    page = admin.get(replaced.headers["location"]).text
    assert "The credential is replaced" in page
    assert "the shop" in page
    assert "needs the credential" not in admin.get("/services/hello").text
    pages = [page, admin.get("/admin/credentials").text, again.text,
             admin.get(way.replace("&amp;", "&")).text]  # fmt: skip
    assert not any(CANARY in each for each in pages)
    remove = "/admin/credentials/become:prod/remove"
    refused = admin.post(remove)
    assert 409 == refused.status_code
    assert "hello can" in refused.text
    done = admin.post(remove, data={"force": "true"})
    assert 303 == done.status_code
    assert "The credential is removed" in admin.get(done.headers["location"]).text


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"password": f"{CANARY}\r\nx"}, "password-problem"),
        ({"password": ""}, "password-problem"),
        ({"name": "A b"}, "name-problem"),
        ({"kind": "gpg"}, "kind-problem"),
        ({"home": "cloud"}, "home-problem"),
        ({"kind": "ssh", "private_key": CANARY}, "private_key-problem"),
        ({"home": "command", "command": " "}, "command-problem"),
    ],
)
def test_what_is_wrong_with_a_credential_is_said_without_its_value(
    admin: TestClient, store: Store, changed: dict[str, str], problem: str
) -> None:
    answer = admin.post("/admin/new-credential", data=FORM | changed)

    assert 422 == answer.status_code
    assert f'id="{problem}"' in answer.text
    assert CANARY not in answer.text
    assert [] == credentials.list_all(store, ROOT)


def test_the_api_writes_values_and_returns_none(client_for: ClientFor) -> None:
    client = client_for((Permission.CREDENTIALS,))
    way = "/api/v1/credentials/token:github"
    body = {"value": {"value": CANARY}, "description": "of the bot"}

    answers = [
        client.put(way, json=body),
        client.put(way, json=body),
        client.put(way, json=body | {"replace": True}),
        client.get(way),
        client.get("/api/v1/credentials"),
        client.put(way, json={"value": CANARY}),
        client.put(way, json={"value": {"token": CANARY}, "replace": True}),
        client.delete(way),
        client.get(way),
    ]

    assert [201, 409, 200, 200, 200, 422, 422, 200, 404] == [
        answer.status_code for answer in answers
    ]
    assert not any(CANARY in answer.text for answer in answers)
    assert ("stored", "of the bot") == (
        answers[3].json()["home"],
        answers[3].json()["description"],
    )
    assert "has no such field" in answers[6].json()["error"]


def test_a_credential_is_tried_on_its_page_and_by_the_api(
    admin: TestClient, store: Store, secret_box: SecretBox
) -> None:
    for reference, change in {
        "token:github": Change(values={"value": CANARY}),
        "become:prod": Change(values={"password": CANARY}),
        "password:prod": Change(values={"password": CANARY}),
        "become:placed": Change(Home.PLACED),
    }.items():
        credentials.put(store, secret_box, ROOT, reference, change, replace=False)

    def tried(reference: str, **sent: object) -> list[tuple[int, str]]:
        page = admin.post(f"/admin/credentials/{reference}/test", data=sent)
        by_api = admin.post(f"/api/v1/credentials/{reference}/test", json=sent)
        assert CANARY not in page.text + by_api.text
        return [(each.status_code, unescape(each.text)) for each in (page, by_api)]

    refused = {"host": "127.0.0.1", "port": 1, "user": "x", "ssh": "password:prod"}
    for statuses, words, found in (
        ([200, 200], "token:github can be decrypted", tried("token:github")),
        ([422, 422], "give the host to try it on", tried("become:prod")),
        ([422, 422], "give the credential", tried("become:prod", host="h")),
        ([422, 422], "name or an address", tried("password:prod", host="-oX")),
        ([422, 422], "port", tried("password:prod", host="h", port=0)),
        ([422, 409], "Connection refused", tried("become:prod", **refused)),
        ([422, 409], "FastDeploy doesn't have", tried("become:placed", host="h")),
        ([404, 404], "there is no credential", tried("token:gone")),
    ):
        assert statuses == [status for status, _ in found], found
        assert all(words in text for _, text in found)
    page = admin.get("/admin/credentials/become:prod").text
    assert '<option value="password:prod">' in page


def test_credentials_are_for_those_who_may(client_for: ClientFor) -> None:
    everything_else = tuple(set(Permission) - {Permission.CREDENTIALS})
    client = client_for(everything_else)

    for path in (
        "/api/v1/credentials",
        "/api/v1/credentials/ssh:a",
        "/admin/credentials",
    ):
        assert 403 == client.get(path).status_code
    assert 403 == client.put("/api/v1/credentials/ssh:a", json={}).status_code
    assert 403 == client.post("/api/v1/credentials/ssh:a/test", json={}).status_code
    assert 403 == client.delete("/api/v1/credentials/ssh:a").status_code


def test_a_launch_asks_for_what_is_not_kept(
    admin: TestClient, store: Store, secret_box: SecretBox
) -> None:
    add_service(store, make_service(credentials=["become:prod"]))
    ask = Change(Home.ASK)
    credentials.put(store, secret_box, ROOT, "become:prod", ask, replace=False)
    field = "credential.become:prod.password"
    assert (
        f'<input type="password" autocomplete="off" id="{field}"'
        in admin.get("/services/hello").text
    )

    missing = admin.post("/services/hello/deploy", data={})
    launched = admin.post("/services/hello/deploy", data={field: CANARY})
    by_api = admin.post(
        "/api/v1/deployments",
        json={
            "service": "hello",
            "credentials": {"become:prod": {"password": CANARY}},
        },
    )

    assert [422, 303, 201] == [r.status_code for r in (missing, launched, by_api)]
    assert f'id="{field}-problem"' in missing.text
    assert CANARY not in by_api.text
    assert CANARY not in admin.get(launched.headers["location"]).text
    with store.begin() as db:
        locked = [deployments.lock(db, number) for number in (1, 2)]
    assert [{"become:prod": {"password": CANARY}}] * 2 == [
        secret_box.open(each.secrets) for each in locked if each
    ]
