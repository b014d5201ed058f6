"""Continue and dismiss on the page of a deployment, and with the API."""

import re

import pytest

from app.domain.access import Permission, Role
from app.domain.audit import Action
from app.domain.deployment import Origin
from app.errors import NotFound
from app.settings import Settings
from app.store import audit, owed_handlers
from app.store.store import Store
from app.usecases import deploy, retries
from testing.factories import ROOT
from testing.recording import (
    make_owing,
)
from testing.web_client import ClientFor, csrf_of


def test_a_dismissed_handler_is_no_longer_owed(
    store: Store, settings: Settings
) -> None:
    first = make_owing(store, settings)
    second = make_owing(store, settings)

    retries.dismiss_handler(store, ROOT, second, "web1", "restart")

    with store.begin() as db:
        assert [] == owed_handlers.of_deployment(db, first)
        assert [] == owed_handlers.of_deployment(db, second)
        [entry] = audit.latest(db, action=Action.DISMISS_HANDLER)
    assert ("restart on web1", second) == (entry.subject, entry.deployment)
    with pytest.raises(NotFound, match="doesn't owe web1 the handler restart"):
        retries.dismiss_handler(store, ROOT, second, "web1", "restart")


def test_the_page_says_what_each_retry_does_and_does_it(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    number = make_owing(store, settings)
    client, viewer = client_for(Role.DEPLOYER), client_for(Role.VIEWER)

    page = client.get(f"/deployments/{number}/continue").text

    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "First runs restart on web1. Then runs the playbook on web1." in text
    assert "Runs on web1. Owed handlers run only if a task notifies them." in text
    assert "Runs on all hosts." in text
    assert (
        "<form"
        not in viewer.get(f"/deployments/{number}/continue")
        .text.split("<main")[1]
        .split("</main")[0]
    )
    assert f'href="/deployments/{number}/continue"' in client.get(
        f"/deployments/{number}").text  # fmt: skip
    keys = re.findall(r'name="idempotency_key" value="([^"]+)"', page)
    form = {"csrf_token": csrf_of(client, store), "idempotency_key": keys[0]}
    answers = [
        client.post(f"/deployments/{number}/continue", data=form) for _ in range(2)
    ]
    assert [303, 303] == [answer.status_code for answer in answers]
    assert 1 == len({answer.headers["location"] for answer in answers})
    again = deploy.find(store, int(answers[0].headers["location"].split("/")[-1]))
    assert (("web1",), Origin.BROWSER) == (again.hosts, again.origin)
    assert f"See #{again.id}" in client.get(f"/deployments/{number}/continue").text


def test_the_api_continues_and_dismisses(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    number = make_owing(store, settings)
    viewer = client_for((Permission.VIEW,))
    client = client_for((Permission.VIEW, Permission.DEPLOY))
    url = f"/api/v1/deployments/{number}"
    handler = {"host": "web1", "handler": "restart"}
    dismiss = f"{url}/owed-handlers/dismiss"

    first, *_ = viewer.get(f"{url}/retries").json()
    created = client.post(f"{url}/continue")

    assert ("continue", ["web1"], {"web1": ["restart"]}) == (
        first["scope"], first["hosts"], first["owed_handlers"]
    )  # fmt: skip
    assert (201, "continue", ["web1"]) == (
        created.status_code, created.json()["retry_scope"], created.json()["hosts"]
    )  # fmt: skip
    assert 403 == viewer.post(f"{url}/continue").status_code
    assert 403 == viewer.post(dismiss, json=handler).status_code
    assert 422 == client.post(dismiss, json={"host": "web1"}).status_code
    assert [] == client.post(dismiss, json=handler).json()["owed_handlers"]
    assert 404 == client.post(dismiss, json=handler).status_code
