"""The pages and the API of notifications: they write URLs and show none."""

from html import unescape

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from app.usecases import record
from testing.factories import add_service, make_service, start_deployment
from testing.web_client import ClientFor

CANARY = "canary-of-a-channel"
FORM = {"name": "ops", "url": f"slack://{CANARY}/b/c", "description": "on call"}
NOTIFY = [{"on": ["failed"], "to": "ops"}]


def test_a_channel_is_added_changed_paused_tested_and_removed_on_its_pages(
    admin: TestClient, store: Store
) -> None:
    add_service(store, make_service(notify=NOTIFY))
    index = admin.get("/admin/notifications").text
    assert "Services name channels that don" in index
    assert "No channels" in index
    assert "Add a channel" in admin.get("/admin/new-channel").text

    def post(path: str, **data: str) -> str:
        answer = admin.post(path, data=data)
        assert 303 == answer.status_code, answer.text
        page = admin.get(answer.headers["location"]).text
        assert CANARY not in page
        return unescape(page)

    assert "The channel is added" in post("/admin/new-channel", **FORM)
    assert 422 == admin.post("/admin/new-channel", data=FORM).status_code
    edit = admin.get("/admin/new-channel?name=ops").text
    assert 'value="on call"' in edit
    changed = {"name": "ops", "replace": "true", "description": "the shop"}
    page = post("/admin/new-channel", **changed)
    assert "the shop" in page
    assert "slack, sent by Apprise" in page
    assert "The channel is paused" in post("/admin/notifications/ops/pause")
    assert "The channel is resumed" in post("/admin/notifications/ops/resume")
    assert "A worker sends the test message" in post("/admin/notifications/ops/test")
    refused = admin.post("/admin/notifications/ops/remove")
    assert 409 == refused.status_code
    assert "hello would notify nobody" in unescape(refused.text)
    removed = post("/admin/notifications/ops/remove", force="true")
    assert "The channel is removed" in removed
    assert CANARY not in edit + index


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"name": "A b"}, "name-problem"),
        ({"url": CANARY}, "url-problem"),
        ({"url": f"https://host/{CANARY}"}, "secret-problem"),
        ({"secret": f"{CANARY}-as-a-secret"}, "secret-problem"),
        ({"description": "x" * 501}, "description-problem"),
    ],
)
def test_what_is_wrong_with_a_channel_is_said_without_its_url(
    admin: TestClient, changed: dict[str, str], problem: str
) -> None:
    answer = admin.post("/admin/new-channel", data=FORM | changed)

    assert 422 == answer.status_code
    assert f'id="{problem}"' in answer.text
    assert CANARY not in answer.text
    assert [] == admin.get("/api/v1/channels").json()


def test_the_api_writes_urls_and_returns_none(client_for: ClientFor) -> None:
    client = client_for((Permission.ADMIN,))
    way = "/api/v1/channels/ops"
    body = {"url": FORM["url"], "description": "on call"}

    answers = [
        client.put(way, json=body),
        client.put(way, json=body),
        client.put(way, json=body | {"replace": True}),
        client.put(way, json={"url": CANARY, "replace": True}),
        client.put(way, json={"url": [CANARY]}),
        client.get(way),
        client.get("/api/v1/channels"),
        client.post(f"{way}/pause"),
        client.post(f"{way}/resume"),
        client.post(f"{way}/test"),
        client.get("/api/v1/notifications?channel=ops"),
        client.delete(way),
        client.get(way),
    ]

    assert [201, 409, 200, 422, 422, 200, 200, 200, 200, 202, 200, 200, 404] == [
        answer.status_code for answer in answers
    ]
    assert not any(CANARY in answer.text for answer in answers)
    assert ("slack", "on call", True) == (
        answers[5].json()["scheme"],
        answers[5].json()["description"],
        answers[7].json()["paused"],
    )
    assert [answers[9].json()] == answers[10].json()


def test_the_page_of_a_deployment_shows_what_was_not_sent(
    admin: TestClient, client_for: ClientFor, store: Store, settings: Settings
) -> None:
    started = start_deployment(store, settings, make_service(notify=NOTIFY))
    assert "Notifications</h2>" not in admin.get(f"/deployments/{started.id}").text
    record.finish(store, started.id, 1)
    with store.begin() as db:
        db.execute(text("UPDATE notifications SET state = 'failed', error = 'no way'"))

    page = admin.get(f"/deployments/{started.id}").text
    other = client_for(Role.VIEWER).get(f"/deployments/{started.id}").text

    assert "no way" in page
    assert "Send again" in page
    assert "no way" in other
    assert "/admin/messages/1/send" not in other
    assert 303 == admin.post("/admin/messages/1/send").status_code
    assert 409 == admin.post("/admin/messages/1/send").status_code
    assert "no way" not in admin.get(f"/deployments/{started.id}").text


def test_channels_are_for_admins(client_for: ClientFor) -> None:
    client = client_for(tuple(set(Permission) - {Permission.ADMIN}))

    for path in ("/api/v1/channels", "/api/v1/channels/a", "/api/v1/notifications",
                 "/admin/notifications", "/admin/new-channel"):  # fmt: skip
        assert 403 == client.get(path).status_code
    for path in ("/api/v1/channels/a/test", "/api/v1/channels/a/pause",
                 "/api/v1/notifications/1/send", "/admin/messages/1/send"):  # fmt: skip
        assert 403 == client.post(path).status_code
    assert 403 == client.put("/api/v1/channels/a", json={}).status_code
    assert 403 == client.delete("/api/v1/channels/a").status_code
