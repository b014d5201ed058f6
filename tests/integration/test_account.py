"""Users change their own password, sessions, display and tokens, and only these."""

import re

import pytest
from starlette.testclient import TestClient

from app.domain.access import Actor, Permission, Role
from app.errors import NotAllowed, NotLoggedIn
from app.store.store import Store
from app.usecases import auth, tokens, users
from app.usecases.auth import MAX_FAILURES
from testing.factories import PASSWORD, ROOT
from testing.web_client import ClientFor, csrf_of

ANOTHER = "another long password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
VIEW, DEPLOY = Permission.VIEW, Permission.DEPLOY


@pytest.fixture
def deployer(client_for: ClientFor, store: Store) -> TestClient:
    """A deployer who has logged in, and whose requests have the CSRF token."""
    client = client_for(Role.DEPLOYER)
    client.headers["X-CSRF-Token"] = csrf_of(client, store)
    return client


def again(client_for: ClientFor, password: str = PASSWORD) -> TestClient:
    """Log the deployer in with another browser."""
    client = client_for(None)
    client.headers["User-Agent"] = FIREFOX
    form = {"name": "deployer", "password": password}
    assert 303 == client.post("/login", data=form).status_code
    return client


def actor_of(client: TestClient, store: Store) -> Actor:
    found = auth.by_session(store, client.cookies["fastdeploy"])
    assert found is not None
    return found


def change(client: TestClient, current: str, new: str, repeated: str = "") -> int:
    form = {"current": current, "password": new, "again": repeated or new}
    status: int = client.post("/account/password", data=form).status_code
    return status


def test_a_new_password_ends_the_other_sessions(
    deployer: TestClient, client_for: ClientFor
) -> None:
    elsewhere = again(client_for)

    assert 303 == change(deployer, PASSWORD, ANOTHER)

    assert 200 == deployer.get("/account").status_code
    assert 401 == elsewhere.get("/account").status_code
    assert again(client_for, ANOTHER)
    old = {"name": "deployer", "password": PASSWORD}
    assert 401 == client_for(None).post("/login", data=old).status_code


def test_the_present_password_is_required_and_guesses_are_limited(
    deployer: TestClient,
) -> None:
    assert 422 == change(deployer, PASSWORD, ANOTHER, "something else entirely")
    assert 422 == change(deployer, PASSWORD, "short")
    guesses = [change(deployer, "a wrong guess", ANOTHER) for _ in range(MAX_FAILURES)]

    assert [422] * MAX_FAILURES == guesses
    assert 429 == change(deployer, PASSWORD, ANOTHER)


def test_sessions_are_listed_and_ended_one_by_one_and_all_others(
    deployer: TestClient, client_for: ClientFor
) -> None:
    first, second, third = (again(client_for) for _ in range(3))

    page = deployer.get("/account").text

    assert 3 == page.count("Firefox on Linux</th>")
    newest = re.findall(r"/account/sessions/([0-9]+)", page)[0]
    assert 303 == deployer.post(f"/account/sessions/{newest}").status_code
    states = [client.get("/account").status_code for client in (first, second, third)]
    assert [200, 200, 401] == states
    assert 303 == deployer.post("/account/sessions").status_code
    assert [401, 401] == [c.get("/account").status_code for c in (first, second)]
    assert 200 == deployer.get("/account").status_code


def test_a_session_of_somebody_else_is_not_found(
    deployer: TestClient, client_for: ClientFor, store: Store
) -> None:
    admin = client_for(Role.ADMIN)
    admin.headers["X-CSRF-Token"] = csrf_of(admin, store)
    again(client_for)
    page = deployer.get("/account").text
    other = re.findall(r"/account/sessions/([0-9]+)", page)[0]

    assert 404 == admin.post(f"/account/sessions/{other}").status_code

    assert 1 == deployer.get("/account").text.count("Firefox on Linux</th>")


def test_colours_and_time_zone_are_kept_and_checked(
    deployer: TestClient, client_for: ClientFor
) -> None:
    chosen = {"theme": "dark", "time_zone": "browser"}

    assert 303 == deployer.post("/account/display", data=chosen).status_code

    for client in (deployer, again(client_for)):
        head = client.get("/").text.partition("<head>")[0]
        assert 'data-theme="dark" data-time-zone="browser"' in head
    wrong = {"theme": "pink", "time_zone": "utc"}
    assert 422 == deployer.post("/account/display", data=wrong).status_code
    assert 'data-theme="dark"' in deployer.get("/").text


def test_a_personal_token_has_at_most_its_owners_permissions(
    deployer: TestClient, store: Store
) -> None:
    owner = actor_of(deployer, store)
    with pytest.raises(NotAllowed):
        tokens.create_own_token(store, owner, "laptop", [Permission.ADMIN])
    secret = tokens.create_own_token(store, owner, "laptop", [VIEW, DEPLOY])
    assert {VIEW, DEPLOY} <= auth.by_token(store, secret).permissions
    assert owner.user_id is not None

    users.set_role(store, ROOT, owner.user_id, Role.VIEWER)
    assert {VIEW} == auth.by_token(store, secret).permissions

    users.disable(store, ROOT, owner.user_id)
    with pytest.raises(NotLoggedIn):
        auth.by_token(store, secret)
    users.enable(store, ROOT, owner.user_id)
    assert auth.by_token(store, secret)


def test_a_personal_token_is_seen_and_revoked_by_its_owner_and_admins_only(
    deployer: TestClient, client_for: ClientFor, store: Store
) -> None:
    form = {"name": "laptop", "scope": "view", "lifetime": "30"}
    created = deployer.post("/account/tokens", data=form)
    assert 201 == created.status_code
    # The name belongs to its owner: an equal one is allowed.
    shared = tokens.create_token(store, ROOT, "laptop", [VIEW])
    [token] = tokens.list_own_tokens(store, actor_of(deployer, store))
    viewer, admin = client_for(Role.VIEWER), client_for(Role.ADMIN)
    viewer.headers["X-CSRF-Token"] = csrf_of(viewer, store)

    path = f"tokens/{token.id}/revoke"
    assert 404 == viewer.post(f"/account/{path}").status_code
    assert "laptop" not in viewer.get("/account").text
    assert "laptop of deployer" in admin.get("/admin/tokens").text
    assert 200 == deployer.get(f"/account/{path}").status_code
    assert 303 == deployer.post(f"/account/{path}").status_code

    assert [] == tokens.list_own_tokens(store, actor_of(deployer, store))
    assert auth.by_token(store, shared)
    tokens.revoke_token(store, ROOT, "laptop")
    with pytest.raises(NotLoggedIn):
        auth.by_token(store, shared)


def test_a_token_has_no_account(client_for: ClientFor, store: Store) -> None:
    client = client_for(tuple(Permission))

    assert 404 == client.get("/account").status_code
    with pytest.raises(NotAllowed):
        tokens.create_own_token(store, ROOT, "laptop", [VIEW])
