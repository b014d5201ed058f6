"""The API of users, tokens and the own account: what it changes, and who may."""

from dataclasses import replace

from starlette.applications import Starlette

from app.domain.access import Grant, Permission, Role, SubjectKind
from app.store import users
from app.store.store import Store
from app.usecases import grants, teams, tokens
from testing.api_clients import session_client
from testing.factories import ROOT, make_user
from testing.web_client import ClientFor, make_client


def personal_token(store: Store, name: str) -> str:
    """Create a token of a user for viewing."""
    with store.begin() as db:
        user = users.find(db, name)
    assert user is not None
    owner = replace(ROOT, user_id=user.id, name=name)
    return tokens.create_own_token(store, owner, "laptop", [Permission.VIEW])


def test_a_user_is_created_changed_disabled_and_enabled(
    store: Store, web: Starlette, client_for: ClientFor
) -> None:
    admin = client_for((Permission.ADMIN,))
    make_user(store)
    user = {"name": "eve", "password": "correct horse battery staple"}

    created = admin.post("/api/v1/users", json=user | {"role": "viewer"})
    session = session_client(web, store, "eve")
    changed = admin.put("/api/v1/users/eve/role", json={"role": "deployer"})
    account = session.get("/api/v1/account").json()
    disabled = admin.post("/api/v1/users/eve/disable")
    refused = session.get("/api/v1/account")
    enabled = admin.post("/api/v1/users/eve/enable")

    assert 201 == created.status_code
    assert (["view"], False) == (
        created.json()["permissions"],
        created.json()["second_factor"],
    )
    assert ("deployer", 1) == (changed.json()["role"], changed.json()["sessions"])
    assert ("eve", "deployer", None) == (
        account["user"],
        account["role"],
        account["token"],
    )
    assert disabled.json()["disabled_at"] is not None
    assert 401 == refused.status_code
    assert enabled.json()["disabled_at"] is None


def test_a_user_shows_which_grant_gives_what(
    store: Store, client_for: ClientFor
) -> None:
    make_user(store, "eve", Role.MEMBER)
    teams.create(store, ROOT, "shop")
    teams.add_member(store, ROOT, "shop", "eve")
    wanted = Grant(Permission.DEPLOY, "shop/*")
    grants.add(store, ROOT, SubjectKind.TEAM, "shop", wanted)

    shown = client_for((Permission.ADMIN,)).get("/api/v1/users/eve").json()

    assert ["shop"] == shown["teams"]
    (grant,) = shown["grants"]
    assert ("team", "shop", "deploy", "shop/*") == (
        grant["subject"],
        grant["name"],
        grant["permission"],
        grant["services"],
    )


def test_a_new_token_works_and_its_secret_is_not_shown_again(
    store: Store, web: Starlette, client_for: ClientFor
) -> None:
    admin = client_for((Permission.ADMIN, Permission.VIEW))
    asked = {"name": "ci", "scopes": ["deploy"], "services": ["shop/*"], "days": 7}

    made = admin.post("/api/v1/tokens", json=asked)
    machine = make_client(web, store, None)
    machine.headers["Authorization"] = f"Bearer {made.json()['secret']}"
    account = machine.get("/api/v1/account").json()
    shown = admin.get(made.headers["location"])

    assert ["view", "check", "deploy"] == account["permissions"]
    assert [[{"permission": "deploy", "services": "shop/*"}]] == account["limits"]
    assert made.json()["token"]["id"] == account["token"]
    assert made.json()["token"]["expires_at"] == account["expires_at"]
    assert made.json()["secret"] not in shown.text
    assert [{"permission": "deploy", "services": "shop/*"}] == shown.json()["grants"]


def test_a_token_sees_and_revokes_itself_but_creates_none(
    store: Store, web: Starlette
) -> None:
    make_user(store, "eve", Role.DEPLOYER)
    client = make_client(web, store, None)
    client.headers["Authorization"] = f"Bearer {personal_token(store, 'eve')}"
    make_user(store, "bob", Role.DEPLOYER)
    personal_token(store, "bob")

    (own,) = client.get("/api/v1/account/tokens").json()
    url = f"/api/v1/tokens/{own['id']}"
    others = client.get(f"/api/v1/tokens/{own['id'] + 1}")
    new = {"name": "more", "scopes": ["view"]}
    refused = client.post("/api/v1/account/tokens", json=new)
    revoked = client.delete(url)

    assert "eve" == own["owner"]
    assert 404 == others.status_code
    assert 403 == refused.status_code
    assert "log in" in refused.json()["detail"]
    assert 200 == revoked.status_code
    assert 401 == client.get(url).status_code


def test_a_user_gets_no_token_with_more_than_their_own_permissions(
    store: Store, web: Starlette
) -> None:
    make_user(store, "eve", Role.VIEWER)
    client = session_client(web, store, "eve")
    url = "/api/v1/account/tokens"

    answers = [
        client.post(url, json={"name": "t", "scopes": scopes})
        for scopes in (["deploy"], [], ["view"])
    ]

    assert [403, 422, 201] == [answer.status_code for answer in answers]


def test_a_list_is_sent_in_pages_each_with_a_link_to_the_next(
    store: Store, client_for: ClientFor
) -> None:
    for name in ("eve", "Bob", "ada", "čas"):
        make_user(store, name)
    client = client_for((Permission.ADMIN,))
    seen: list[str] = []
    url = "/api/v1/users?limit=3"

    while url:
        answer = client.get(url)
        seen += [user["name"] for user in answer.json()]
        url = answer.links["next"]["url"] if answer.links else ""

    assert ["Bob", "ada", "eve", "čas"] == seen
    assert 422 == client.get("/api/v1/users?limit=0").status_code
    assert 422 == client.get("/api/v1/tokens?after=x").status_code
