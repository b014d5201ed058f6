"""Administration: what its pages change, refuse and show, and what is noted of it."""

import re
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.access import Actor, Permission, Role
from app.domain.audit import Action
from app.domain.deployment import Origin
from app.domain.node import NodeInstance
from app.errors import Conflict, NotAllowed, NotFound, NotLoggedIn
from app.queue import make_queue
from app.settings import Settings
from app.store.store import Store
from app.usecases import audit, auth, deploy, nodes, record, services, tokens, users
from app.usecases.cancel import cancel
from testing.factories import (
    PASSWORD,
    ROOT,
    make_user,
    request_deployment,
    set_columns,
    start_deployment,
)
from testing.web_client import ClientFor, csrf_of

ANOTHER = "another long password"


def id_of(store: Store, name: str) -> int:
    return next(u.id for u in users.list_users(store, ROOT) if u.name == name)


@pytest.fixture
def admin(client_for: ClientFor, store: Store) -> TestClient:
    """Somebody who is logged in as admin, and whose requests bear the form's token."""
    client = client_for(Role.ADMIN)
    client.headers["X-CSRF-Token"] = csrf_of(client, store)
    return client


# Users


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
    assert 200 == guest.get("/api/services").status_code
    assert "Disable ada" in admin.get(page).text

    assert 303 == admin.post(f"{page}/disable").status_code

    assert 401 == guest.get("/api/services").status_code
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
    assert 401 == viewer.get("/api/services").status_code
    login = {"name": "viewer", "password": ANOTHER}
    assert 303 == viewer.post("/login", data=login).status_code
    assert 303 == admin.post(f"{page}/sessions").status_code
    assert 401 == viewer.get("/api/services").status_code


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
    assert 200 == admin.get("/api/services").status_code


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


# Tokens


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
    assert 200 == script.get("/api/services").status_code
    assert 403 == script.post("/api/services/sync").status_code

    (token,) = tokens.list_tokens(store, ROOT)
    assert token.expires_at is not None
    assert 29 == (token.expires_at - datetime.now(UTC)).days
    listed = admin.get("/admin/tokens").text
    assert secret not in listed
    way = f"/admin/tokens/{token.id}/revoke"
    assert f'href="{way}"' in listed
    assert "Revoke token ci?" in admin.get(way).text
    assert 200 == script.get("/api/services").status_code

    assert "/admin/tokens?done=revoked" == admin.post(way).headers["location"]

    assert 401 == script.get("/api/services").status_code
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


# Settings and nodes


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


# The audit log


def test_everything_that_somebody_does_is_noted_with_it(
    store: Store, settings: Settings
) -> None:
    ada = Actor("ada", frozenset(Permission), address="192.0.2.1")
    queue = make_queue(settings)
    users.create_user(store, ada, "bob", PASSWORD, Role.VIEWER)
    number = id_of(store, "bob")
    users.set_password(store, ada, "bob", ANOTHER)
    users.set_role(store, ada, number, Role.DEPLOYER)
    secret = auth.log_in(store, "bob", ANOTHER, "192.0.2.2", auth.WINDOW)
    auth.log_out(store, secret, "192.0.2.2")
    # A session that has ended is nobody's.
    auth.log_out(store, secret, "192.0.2.3")
    with pytest.raises(NotLoggedIn):
        auth.log_in(store, "bob", PASSWORD, "192.0.2.2", auth.WINDOW)
    users.end_sessions(store, ada, "bob")
    users.disable(store, ada, number)
    users.enable(store, ada, number)
    tokens.create_token(store, ada, "ci", [Permission.VIEW])
    tokens.revoke_token(store, ada, "ci")
    first = request_deployment(store, settings, actor=ada)
    cancel(store, queue, ada, first)
    again = deploy.retry(
        store,
        queue,
        bootstrap.make_secret_box(settings),
        actor=ada,
        origin=Origin.API,
        deployment_id=first,
    )
    running = start_deployment(store, settings)
    cancel(store, queue, ada, running.id)
    cancel(store, queue, ada, running.id)
    services.sync_everywhere(store, settings.services, settings.var, "test", ada)
    nodes.beat(store, "away", me=NodeInstance("x"), concurrency=1)
    nodes.stop(store, "away", NodeInstance("x"))
    nodes.forget(store, queue, ada, "away")

    noted = [
        (entry.actor, entry.address, entry.action, entry.subject, entry.deployment)
        for entry in reversed(audit.latest(store, ROOT))
        if entry.actor != ROOT.name
    ]

    of_ada = ("ada", "192.0.2.1")
    of_bob = ("bob", "192.0.2.2")
    assert [
        (*of_ada, Action.CREATE_USER, "bob", None),
        (*of_ada, Action.SET_PASSWORD, "bob", None),
        (*of_ada, Action.SET_ROLE, "bob: deployer", None),
        (*of_bob, Action.LOG_IN, "", None),
        (*of_bob, Action.LOG_OUT, "", None),
        (*of_bob, Action.FAIL_TO_LOG_IN, "", None),
        (*of_ada, Action.END_SESSIONS, "bob", None),
        (*of_ada, Action.DISABLE_USER, "bob", None),
        (*of_ada, Action.ENABLE_USER, "bob", None),
        (*of_ada, Action.CREATE_TOKEN, "ci", None),
        (*of_ada, Action.REVOKE_TOKEN, "ci", None),
        (*of_ada, Action.LAUNCH, "hello", first),
        (*of_ada, Action.CANCEL, "hello", first),
        (*of_ada, Action.RETRY, "hello", again),
        # Who asks again changes nothing, and has done nothing.
        (*of_ada, Action.CANCEL, "hello", running.id),
        (*of_ada, Action.SYNC, "", None),
        (*of_ada, Action.FORGET_NODE, "away", None),
    ] == noted


def test_what_did_not_happen_is_not_noted(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)
    record.finish(store, running.id, 0)
    make_user(store)
    before = audit.latest(store, ROOT)

    with pytest.raises(Conflict):
        cancel(store, make_queue(settings), ROOT, running.id)
    with pytest.raises(Conflict):
        users.create_user(store, ROOT, "ada", PASSWORD, Role.VIEWER)
    with pytest.raises(NotFound):
        tokens.revoke_token(store, ROOT, "nothing")

    assert before == audit.latest(store, ROOT)


def test_the_log_is_narrowed_and_paged_by_its_address(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr("app.web.admin.PAGE", 1)
    for name in ("one", "two", "<script>alert(1)"):
        with pytest.raises(NotLoggedIn):
            auth.log_in(store, name, "wrong", "192.0.2.7", auth.WINDOW)

    newest = admin.get("/admin/audit?action=fail+to+log+in").text
    tidied = admin.get("/admin/audit?actor=one&action=")
    one = admin.get(tidied.headers["location"]).text
    wrong = admin.get("/admin/audit?action=dance")
    older = re.search(r'href="([^"]+)" rel="next"', newest)

    assert "&lt;script&gt;" in newest
    assert "<script>alert" not in newest
    assert "/admin/audit?actor=one" == tidied.headers["location"]
    assert "192.0.2.7" in one
    assert 422 == wrong.status_code
    assert older is not None
    assert ">two</a>" in admin.get(older.group(1).replace("&amp;", "&")).text
    assert "No matching entries" in admin.get("/admin/audit?actor=%00").text
