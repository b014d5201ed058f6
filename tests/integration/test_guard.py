"""Who gets through to which route, and whose requests change something."""

import gzip
from collections.abc import Mapping
from html import unescape

import pytest
from starlette.testclient import TestClient

from app.domain.access import (
    PERMISSIONS,
    Permission,
    Role,
    permissions_of_scopes,
)
from app.store.store import Store
from app.web.app import ROUTES
from app.web.routing import AppRoute
from testing.factories import add_service
from testing.routes import fill_path
from testing.web_client import ClientFor, csrf_of

PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/schema/service.json"),
    ("GET", "/login"),
    ("POST", "/login"),
    # They need the cookie of a login whose password was right.
    ("GET", "/login/code"),
    ("POST", "/login/code"),
    ("POST", "/login/passkey"),
    # It needs the code that a page gave to a command.
    ("POST", "/login/cli/token"),
    # It needs the header of a proxy that is trusted.
    ("GET", "/login/proxy"),
    # A login at an OpenID provider.
    ("GET", "/login/provider/{provider}"),
    ("GET", "/login/provider/{provider}/callback"),
    # Their permission is the signature of what is sent.
    ("POST", "/login/provider/{provider}/logout"),
    ("POST", "/hooks/{name}"),
}


def url_of(route: AppRoute) -> str:
    return (
        route.path.replace("{name}", "nothing")
        .replace("{id:number}", "4242")
        .replace("{number:number}", "1")
        .replace("{path:path}", "stdout")
        .replace("{user}", "nobody")
        .replace("{name:path}", "nothing")
        .replace("{name:shortest}", "nothing")
    )


def test_only_these_routes_are_for_everybody() -> None:
    assert PUBLIC == {(r.method, r.path) for r in ROUTES if r.permission is None}


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_nobody_gets_through_to_anything_else(
    client_for: ClientFor, accept: str
) -> None:
    client = client_for(None)

    for route in ROUTES:
        if route.permission is None:
            continue
        answer = client.request(route.method, url_of(route),
                                headers={"Accept": accept})  # fmt: skip
        page = accept == "text/html" and not route.path.startswith("/api/v1/")
        assert (303 if page else 401) == answer.status_code, route.path
        if page:
            assert answer.headers["location"].startswith("/login?next=/")
        else:
            assert "Bearer" == answer.headers["www-authenticate"]
            assert "log in" in answer.json()["error"]


WHO: dict[str, Role | tuple[Permission, ...]] = {
    **{role.value: role for role in Role},
    "token-without-scopes": (),
    **{f"token-{permission}": (permission,) for permission in Permission},
}


@pytest.mark.parametrize("who", WHO.values(), ids=WHO.keys())
def test_a_route_lets_in_who_has_its_permission(
    client_for: ClientFor, store: Store, who: Role | tuple[Permission, ...]
) -> None:
    client = client_for(who)
    headers = {}
    has = permissions_of_scopes(who) if isinstance(who, tuple) else PERMISSIONS[who]
    if isinstance(who, Role):
        headers["X-CSRF-Token"] = csrf_of(client, store)

    for route in ROUTES:
        permission = route.permission
        if permission is None or route.path == "/logout":
            continue
        answer = client.request(route.method, url_of(route), headers=headers)
        assert (permission not in has) == (answer.status_code == 403), route.path
        # Nothing of this exists, but no bug is met on the way there either.
        assert answer.status_code in {200, 303, 403, 404, 422}, route.path


SEND: dict[str, tuple[Mapping[str, str], int]] = {
    "own-page": ({"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}, 404),
    "no-browser": ({}, 404),
    "typed-by-hand": ({"Sec-Fetch-Site": "none"}, 404),
    "other-site": ({"Sec-Fetch-Site": "cross-site"}, 403),
    "sibling-site": ({"Sec-Fetch-Site": "same-site"}, 403),
    "other-origin": ({"Origin": "http://evil.example"}, 403),
    "other-port": ({"Origin": "http://testserver:8080"}, 403),
    "null-origin": ({"Origin": "null"}, 403),
    "origin-that-begins-alike": ({"Origin": "http://testserver.evil.example"}, 403),
}


@pytest.mark.parametrize(("headers", "status"), SEND.values(), ids=SEND.keys())
def test_a_form_must_come_from_our_own_page(
    client_for: ClientFor, store: Store, headers: Mapping[str, str], status: int
) -> None:
    client = client_for(Role.ADMIN)
    form = {"csrf_token": csrf_of(client, store)}

    answer = client.post("/services/nothing/deploy", data=form, headers=headers)

    assert status == answer.status_code


@pytest.mark.parametrize("headers", [SEND["other-site"][0], SEND["other-origin"][0]])
def test_nor_can_another_site_log_somebody_in(
    client_for: ClientFor, headers: Mapping[str, str]
) -> None:
    answer = client_for(None).post("/login", data={"name": "a"}, headers=headers)

    assert 403 == answer.status_code


@pytest.mark.parametrize(
    "sent",
    [{}, {"csrf_token": ""}, {"csrf_token": "wrong"}, {"csrf_token": "é\0"}],
    ids=["missing", "empty", "wrong", "nonsense"],
)
def test_a_form_needs_the_token_of_its_session(
    client_for: ClientFor, store: Store, sent: dict[str, str]
) -> None:
    add_service(store)
    client = client_for(Role.ADMIN)

    answer = client.post("/services/hello/deploy", data=sent)

    assert 403 == answer.status_code
    assert "reload the page" in answer.json()["error"]
    assert [] == client.get("/api/v1/deployments").json()


def test_the_token_of_another_session_is_none(
    client_for: ClientFor, store: Store
) -> None:
    admin, viewer = client_for(Role.ADMIN), client_for(Role.VIEWER)

    answer = admin.post("/services/sync", data={"csrf_token": csrf_of(viewer, store)})

    assert 403 == answer.status_code


def test_the_api_wants_the_token_from_a_session_too(
    client_for: ClientFor, store: Store
) -> None:
    client = client_for(Role.ADMIN)

    refused = client.post("/api/v1/services/sync")
    done = client.post(
        "/api/v1/services/sync", headers={"X-CSRF-Token": csrf_of(client, store)}
    )

    assert [403, 200] == [refused.status_code, done.status_code]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_wrong_token_is_nobody_even_with_a_session(
    client_for: ClientFor, scheme: str
) -> None:
    client = client_for(Role.ADMIN)

    answer = client.get("/api/v1/services", headers={"Authorization": f"{scheme} fd_x"})

    assert 401 == answer.status_code


def test_logging_out_ends_the_session(client_for: ClientFor, store: Store) -> None:
    client = client_for(Role.VIEWER)
    secret = client.cookies["fastdeploy"]

    answer = client.post("/logout", data={"csrf_token": csrf_of(client, store)})

    assert (303, "/login") == (answer.status_code, answer.headers["location"])
    assert "fastdeploy" not in client.cookies
    stolen = TestClient(client.app, cookies={"fastdeploy": secret})
    assert 401 == stolen.get("/api/v1/services").status_code


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/login", "GET, HEAD, POST"),
        ("/api/v1/deployments", "GET, HEAD, POST"),
        ("/api/v1/deployments/1", "GET, HEAD"),
        ("/api/v1/deployments/1/cancel", "POST"),
        ("/admin/users", "GET, HEAD, POST"),
        ("/services/sync", "GET, HEAD, POST"),
    ],
)
def test_a_refused_method_is_answered_with_all_that_the_path_takes(
    client_for: ClientFor, path: str, allowed: str
) -> None:
    answer = client_for(None).request("DELETE", path)

    assert (405, allowed) == (answer.status_code, answer.headers["allow"])
    assert f"DELETE isn't possible here; possible: {allowed}" in unescape(answer.text)


def test_a_body_that_is_missing_or_compressed_is_refused_with_what_to_send(
    client_for: ClientFor,
) -> None:
    client, url = client_for(tuple(Permission)), "/api/v1/deployments"
    kind = {"Content-Type": "application/json"}

    missing = client.post(url, headers=kind)
    packed = client.post(
        url, content=gzip.compress(b"{}"), headers=kind | {"Content-Encoding": "gzip"}
    )

    assert 422 == missing.status_code
    assert "the request has no body: send a JSON object" == missing.json()["detail"]
    assert 415 == packed.status_code
    assert packed.json()["detail"].startswith("send the body without compression")


BODIES = [
    each
    for each in ROUTES
    if each.operation is not None and each.operation.body is not None
]


def test_a_body_with_the_same_key_twice_is_refused_by_each_route(
    client_for: ClientFor,
) -> None:
    client = client_for(tuple(Permission))
    refused = {
        (each.method, each.path): client.request(
            each.method,
            fill_path(each.path, number="1", text="any"),
            content=b'{"a": [{"key": 1, "key": 2}]}',
            headers={"Content-Type": "application/json"},
        )
        for each in BODIES
    }

    assert {(each.method, each.path) for each in BODIES} == {
        route
        for route, answer in refused.items()
        if answer.status_code == 422
        and "the key 'key' twice" in answer.json()["detail"]
    }


def test_the_error_shows_the_beginning_of_a_long_key(client_for: ClientFor) -> None:
    client = client_for(tuple(Permission))
    content = b'{"%b": 1, "%b": 2}' % (b"k" * 9000, b"k" * 9000)

    answer = client.post(
        "/api/v1/deployments",
        content=content,
        headers={"Content-Type": "application/json"},
    )

    assert 422 == answer.status_code
    assert "kkk… twice" in answer.json()["detail"].replace("'", "")
    assert len(answer.json()["detail"]) < 200
