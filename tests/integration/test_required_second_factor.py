"""Roles that need a second factor: what their users may do without one."""

import re
from collections.abc import Iterator

import pyotp
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from app.usecases import auth, tokens
from app.web.app import ROUTES
from testing.factories import PASSWORD
from testing.web_client import csrf_of, make_client, started_web

PAGE = "/account/second-factor"
HTML = {"Accept": "text/html"}


@pytest.fixture
def web(settings: Settings) -> Iterator[Starlette]:
    changed = settings.model_copy(update={"require_second_factor": "admin, deployer"})
    with started_web(changed) as web:
        yield web


@pytest.fixture
def client(web: Starlette, store: Store) -> TestClient:
    """An admin without a second factor, who has logged in."""
    client = make_client(web, store, Role.ADMIN)
    client.headers["X-CSRF-Token"] = csrf_of(client, store)
    return client


def test_without_a_second_factor_there_is_its_set_up_alone(client: TestClient) -> None:
    open_to_them = set()
    for route in ROUTES:
        if route.permission is None or "{" in route.path or route.path == "/logout":
            continue
        answer = client.request(route.method, route.path)
        if answer.status_code != 403:
            open_to_them.add((route.method, route.path))
        else:
            assert "needs a second factor" in answer.json()["error"]

    below = (f"{PAGE}{rest}" for rest in ("", "/confirm", "/remove", "/passkeys"))
    forms = {*below, f"{PAGE}/passkeys/add", f"{PAGE}/passkeys/remove"}
    assert {("GET", PAGE)} | {("POST", form) for form in forms} == open_to_them
    assert 303 == client.post("/logout").status_code


def test_a_page_leads_to_the_set_up_and_everything_is_open_after_it(
    client: TestClient,
) -> None:
    sent = client.get("/nodes", headers=HTML)
    assert (303, PAGE) == (sent.status_code, sent.headers["location"])
    page = client.get(PAGE)
    assert "Your role needs a second factor" in page.text
    assert 'href="/nodes"' not in page.text

    shown = client.post(PAGE, data={"current": PASSWORD}).text
    secret = re.search(r'value="([A-Z2-7]{32})"', shown)
    assert secret
    code = pyotp.TOTP(secret[1]).now()
    assert 201 == client.post(f"{PAGE}/confirm", data={"code": code}).status_code

    assert 200 == client.get("/nodes", headers=HTML).status_code
    assert "Your role needs" not in client.get(PAGE).text


def test_other_roles_and_tokens_are_not_asked(
    web: Starlette, client: TestClient, store: Store
) -> None:
    """Personal tokens too: they were created by a user who was let in."""
    actor = auth.by_session(store, client.cookies["fastdeploy"])
    assert actor is not None
    secret = tokens.create_own_token(store, actor, "ci", [Permission.VIEW], 7)
    bearer = {"Authorization": f"Bearer {secret}"}

    assert 200 == make_client(web, store, Role.VIEWER).get("/nodes").status_code
    script = make_client(web, store, None)
    assert 200 == script.get("/api/v1/nodes", headers=bearer).status_code
