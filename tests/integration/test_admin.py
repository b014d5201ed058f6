"""Administration: what its pages change, refuse and show."""

import re
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from app.domain.access import Actor, Permission, Role
from app.domain.node import NodeInstance
from app.errors import Conflict, NotAllowed, NotFound
from app.settings import Settings
from app.store.store import Store
from app.usecases import audit, deploy, nodes, tokens, users
from testing.factories import (
    PASSWORD,
    ROOT,
    make_user,
    set_columns,
    start_deployment,
)
from testing.web_client import ClientFor

ANOTHER = "another long password"


def id_of(store: Store, name: str) -> int:
    return next(u.id for u in users.list_users(store, ROOT) if u.name == name)


def test_a_user_is_created_changed_and_shut_out(
    admin: TestClient, client_for: ClientFor
) -> None:
    form = {"name": "ada", "role": "viewer", "password": PASSWORD, "again": PASSWORD}

    created = admin.post("/admin/users", data=form)
    page = created.headers["location"].partition("?")[0]
    role = admin.post(f"{page}/role", data={"role": "deployer"})

    assert [303, 303] == [created.status_code, role.status_code]
    assert "The user was created" in admin.get(created.headers["location"]).text
    guest = client_for(None)
    login = {"name": "ada", "password": PASSWORD}
    assert "/" == guest.post("/login", data=login).headers["location"]
    assert 200 == guest.get("/api/v1/services").status_code
    assert "Disable ada" in admin.get(page).text

    assert 303 == admin.post(f"{page}/disable").status_code

    assert 401 == guest.get("/api/v1/services").status_code
    assert 401 == guest.post("/login", data=login).status_code
    assert "Enable ada" in admin.get(page).text
    assert 303 == admin.post(f"{page}/enable").status_code
    assert 303 == guest.post("/login", data=login).status_code


def test_a_new_password_ends_the_sessions(
    admin: TestClient, client_for: ClientFor, store: Store
) -> None:
    viewer = client_for(Role.VIEWER)
    page = f"/admin/users/{id_of(store, 'viewer')}"
    assert "End the session" in admin.get(page).text

    changed = admin.post(
        f"{page}/password", data={"password": ANOTHER, "again": ANOTHER}
    )

    assert 303 == changed.status_code
    assert 401 == viewer.get("/api/v1/services").status_code
    login = {"name": "viewer", "password": ANOTHER}
    assert 303 == viewer.post("/login", data=login).status_code
    assert 303 == admin.post(f"{page}/sessions").status_code
    assert 401 == viewer.get("/api/v1/services").status_code


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": "<script>"}, "name"),
        ({"name": "admin"}, "name"),
        ({"password": "short", "again": "short"}, "password"),
        ({"again": "something else"}, "again"),
        ({"role": "emperor"}, "role"),
        ({"role": ""}, "role"),
    ],
)
def test_what_is_wrong_with_a_new_user_is_said_beside_the_field(
    admin: TestClient, store: Store, changed: dict[str, str], field: str
) -> None:
    form = {"name": "ada", "role": "viewer", "password": PASSWORD, "again": PASSWORD}

    answer = admin.post("/admin/users", data=form | changed)

    assert 422 == answer.status_code
    assert f'id="{field}-problem"' in answer.text
    assert PASSWORD not in answer.text
    assert "<script>" not in answer.text
    assert ["admin"] == [user.name for user in users.list_users(store, ROOT)]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"password": "short", "again": "short"}, "password"),
        ({"password": ANOTHER, "again": ""}, "again"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(
    admin: TestClient, store: Store, form: dict[str, str], field: str
) -> None:
    answer = admin.post(f"/admin/users/{id_of(store, 'admin')}/password", data=form)

    assert 422 == answer.status_code
    assert f'id="{field}-problem"' in answer.text
    assert 200 == admin.get("/api/v1/services").status_code


def test_an_admin_who_can_log_in_is_always_left(
    admin: TestClient, store: Store
) -> None:
    number = id_of(store, "admin")

    for path, form in (("disable", {}), ("role", {"role": "viewer"})):
        answer = admin.post(f"/admin/users/{number}/{path}", data=form)
        assert 409 == answer.status_code
        assert "the last admin who can log in" in answer.text

    make_user(store, "eve", Role.ADMIN)
    users.disable(store, ROOT, id_of(store, "eve"))
    with pytest.raises(Conflict):
        users.set_role(store, ROOT, number, Role.DEPLOYER)
    users.enable(store, ROOT, id_of(store, "eve"))
    users.set_role(store, ROOT, number, Role.DEPLOYER)
    with pytest.raises(Conflict):
        users.disable(store, ROOT, id_of(store, "eve"))


def test_administering_takes_an_admin(store: Store) -> None:
    number = id_of(store, make_user(store))
    viewer = Actor("viewer", frozenset({Permission.VIEW, Permission.SYNC}))

    for refused in (
        lambda: users.list_users(store, viewer),
        lambda: users.find_user(store, viewer, number),
        lambda: users.set_role(store, viewer, number, Role.VIEWER),
        lambda: users.disable(store, viewer, number),
        lambda: users.enable(store, viewer, number),
        lambda: audit.latest(store, viewer),
    ):
        with pytest.raises(NotAllowed):
            refused()
    with pytest.raises(NotFound):
        users.find_user(store, ROOT, number + 1)


def test_only_an_admin_is_shown_the_way(client_for: ClientFor) -> None:
    assert 'href="/admin/users"' in client_for(Role.ADMIN).get("/").text
    assert 'href="/admin/users"' not in client_for(Role.DEPLOYER).get("/").text


def test_a_token_is_shown_once_and_works_until_it_is_revoked(
    admin: TestClient, client_for: ClientFor, store: Store
) -> None:
    form = {"name": "ci", "scope": ["view"], "lifetime": "30"}

    created = admin.post("/admin/tokens", data=form)
    again = admin.post("/admin/tokens", data=form)

    assert [201, 422] == [created.status_code, again.status_code]
    assert "revoke it first" in again.text
    (secret,) = set(re.findall(r"fd_[\w-]{43}", created.text))
    script = client_for(None)
    script.headers["Authorization"] = f"Bearer {secret}"
    assert 200 == script.get("/api/v1/services").status_code
    assert 403 == script.post("/api/v1/services/sync").status_code

    (token,) = tokens.list_tokens(store, ROOT)
    assert token.expires_at is not None
    assert 29 == (token.expires_at - datetime.now(UTC)).days
    listed = admin.get("/admin/tokens").text
    assert secret not in listed
    way = f"/admin/tokens/{token.id}/revoke"
    assert f'href="{way}"' in listed
    assert "Revoke token ci?" in admin.get(way).text
    assert 200 == script.get("/api/v1/services").status_code

    assert "/admin/tokens?done=revoked" == admin.post(way).headers["location"]

    assert 401 == script.get("/api/v1/services").status_code
    assert [404, 404] == [admin.get(way).status_code, admin.post(way).status_code]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a/b"}, "name"),
        ({"scope": []}, "scope"),
        ({"scope": ["everything"]}, "scope"),
        ({"lifetime": "1000000000000"}, "lifetime"),
    ],
)
def test_what_is_wrong_with_a_new_token_is_said_beside_the_field(
    admin: TestClient, store: Store, changed: dict[str, object], field: str
) -> None:
    form = {"name": "ci", "scope": ["view"], "lifetime": "never"} | changed

    answer = admin.post("/admin/tokens", data=form)

    assert 422 == answer.status_code
    assert f'id="{field}-problem"' in answer.text
    assert [] == tokens.list_tokens(store, ROOT)


def test_settings_are_shown_without_their_secrets(
    admin: TestClient, settings: Settings
) -> None:
    page = admin.get("/admin/settings").text

    assert "FASTDEPLOY_DATABASE_URL" in page
    assert settings.database_url.get_secret_value() not in page
    assert str(settings.services) in page


def test_a_node_is_forgotten_when_it_was_confirmed(
    admin: TestClient, store: Store, settings: Settings
) -> None:
    nodes.beat(store, "gone & away", me=NodeInstance("x"), concurrency=1)
    running = start_deployment(store, settings)
    with store.begin() as db:
        set_columns(db, running.id, node="gone & away")
    form = {"name": "gone & away"}

    early = admin.post("/nodes/forget", data=form)
    nodes.stop(store, "gone & away", NodeInstance("x"))
    way = re.search(r'href="(/nodes/forget\?[^"]+)"', admin.get("/nodes").text)
    assert way is not None
    asked = admin.get(way.group(1))

    assert 409 == early.status_code
    assert "marked as <strong>failed</strong>" in asked.text
    assert (
        "/nodes?done=forgotten"
        == (admin.post("/nodes/forget", data=form).headers["location"])
    )
    assert deploy.find(store, running.id).ended
    assert 404 == admin.get(way.group(1)).status_code
