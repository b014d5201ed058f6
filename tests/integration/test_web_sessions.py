"""Cookies, sessions and the addresses that a login leads to."""

import pytest
from starlette.testclient import TestClient

from app.bootstrap.web import make_web
from app.domain.access import Role
from app.settings import Settings
from app.store.store import Store
from app.usecases.auth import MAX_FAILURES
from testing.factories import (
    make_user,
)
from testing.web_client import ClientFor


def test_scripts_cannot_read_the_session_cookie(
    client_for: ClientFor, store: Store
) -> None:
    make_user(store)
    client = client_for(None)

    answer = client.post("/login", data={"name": "ada", "password": "wrong"})
    assert 401 == answer.status_code
    assert "set-cookie" not in answer.headers

    client = client_for(Role.VIEWER)
    (cookie,) = client.cookies.jar
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert "lax" == cookie.get_nonstandard_attr("SameSite")
    assert not cookie.secure


def test_behind_https_the_cookie_is_bound_to_host_and_scheme(
    settings: Settings, store: Store
) -> None:
    make_user(store, "viewer")
    app = make_web(settings.model_copy(update={"secure_cookies": True}))
    with TestClient(app, "https://testserver", follow_redirects=False) as client:
        form = {"name": "viewer", "password": "correct horse battery staple"}
        answer = client.post("/login", data=form)

        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-fastdeploy=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "max-age=31536000" == answer.headers["strict-transport-security"]
        assert 200 == client.get("/api/v1/services").status_code


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/deployments/1?before=3", "/deployments/1?before=3"),
        ("", "/"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/a\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("\\\\evil.example", "/"),
        (" //evil.example", "/"),
    ],
)
def test_logging_in_leads_to_a_page_of_ours(
    client_for: ClientFor, store: Store, wanted: str, reached: str
) -> None:
    form = {"name": make_user(store), "password": "correct horse battery staple"}

    answer = client_for(None).post("/login", data=form | {"next": wanted})

    assert (303, reached) == (answer.status_code, answer.headers["location"])
    shown = client_for(None).get("/login", params={"next": wanted})
    assert "evil.example" not in shown.text


def test_who_has_to_log_in_comes_back_to_what_was_asked_for(
    client_for: ClientFor,
) -> None:
    client = client_for(None)
    page = {"Accept": "text/html"}

    asked = client.get("/deployments?before=3", headers=page)

    assert "/login?next=/deployments%3Fbefore%3D3" == asked.headers["location"]


@pytest.mark.parametrize(
    ("referer", "leads"),
    [
        ("http://testserver/services/a", "/services/a"),
        ("http://testserver/nodes/forget?name=b", "/nodes/forget%3Fname%3Db"),
        ("http://[", "/"),
    ],
)
def test_who_sends_a_form_too_late_comes_back_to_its_page(
    client_for: ClientFor, referer: str, leads: str
) -> None:
    headers = {"Accept": "text/html", "Referer": referer}

    sent = client_for(None).post("/services/a/deploy", headers=headers)

    assert f"/login?next={leads}" == sent.headers["location"]


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("/services/a/deploy", "/services/a"),
        ("/deployments/7/cancel", "/deployments/7"),
        ("/admin/users/7/role", "/admin/users/7"),
        ("/logout", "/"),
    ],
)
def test_an_address_that_a_form_is_sent_to_leads_to_the_page_of_the_form(
    client_for: ClientFor, path: str, above: str
) -> None:
    """A browser shows it where the form came back with what is wrong with it."""
    answer = client_for(None).get(path, headers={"Accept": "text/html"})

    assert (303, above) == (answer.status_code, answer.headers["location"])


def test_only_a_logged_in_user_gets_links_on_a_page_that_does_not_exist(
    client_for: ClientFor,
) -> None:
    page = {"Accept": "text/html"}

    known = client_for(Role.VIEWER).get("/nothing", headers=page)
    stranger = client_for(None).get("/nothing", headers=page)

    assert 404 == known.status_code == stranger.status_code
    assert 'href="/deployments"' in known.text
    assert 'href="/deployments"' not in stranger.text


def test_a_user_sees_that_the_session_has_ended(
    client_for: ClientFor,
) -> None:
    client = client_for(None)
    client.cookies["fastdeploy"] = "of a session that has ended"

    asked = client.get("/deployments", headers={"Accept": "text/html"})
    login = client.get(asked.headers["location"])
    api = client.get("/api/v1/deployments")

    assert "Your session has expired; log in again." in login.text
    assert "Your session has expired; log in again." == api.json()["error"]
    assert "has ended" not in client_for(None).get("/login").text


def test_too_many_failures_are_a_429_that_says_when(
    client_for: ClientFor, store: Store
) -> None:
    form = {"name": make_user(store), "password": "wrong"}
    client = client_for(None)
    for _ in range(MAX_FAILURES):
        assert 401 == client.post("/login", data=form).status_code

    answer = client.post("/login", data=form)

    assert 429 == answer.status_code
    assert int(answer.headers["retry-after"]) > 0
    assert "try again in" in answer.text
