"""Grants, teams and limited tokens: who may do what with which service."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette

from app.domain.access import INCLUDED, Grant, Permission, Role, SubjectKind
from app.domain.service_pattern import patterns_of
from app.errors import Conflict, Invalid, InvalidFields, NotAllowed, NotFound
from app.settings import Settings
from app.store import services
from app.store.store import Store
from app.usecases import auth, grants, record, teams, tokens, users
from app.usecases import services as listed
from testing.factories import (
    PASSWORD,
    ROOT,
    add_service,
    make_service,
    make_user,
    request_deployment,
    start_deployment,
)
from testing.web_client import csrf_of, make_client

if TYPE_CHECKING:
    # testing/web_client.py imports it without its warning.
    from starlette.testclient import TestClient

USER, TEAM, TOKEN = SubjectKind.USER, SubjectKind.TEAM, SubjectKind.TOKEN
STAGING, LIVE, BLOG = "shop/web@staging", "shop/web@live", "blog/web@staging"
NAMES = (STAGING, LIVE, BLOG, "shop/db", "hello", "shopper/web@live")
#: A playbook service can be launched in check mode.
PLAYBOOK = {"deploy_script": None, "playbook": "site.yml", "options": ["check"]}


@pytest.fixture(autouse=True)
def _services(store: Store) -> None:
    for name in NAMES:
        add_service(store, make_service(name=name, **PLAYBOOK))


@pytest.fixture
def ada(web: Starlette, store: Store) -> "TestClient":
    """A member without grants, who is logged in."""
    client = make_client(web, store, None)
    form = {"name": make_user(store, "ada", Role.MEMBER), "password": PASSWORD}
    assert 303 == client.post("/login", data=form).status_code
    client.headers["X-CSRF-Token"] = csrf_of(client, store)
    return client


def grant(store: Store, permission: Permission, pattern: str) -> int:
    return grants.add(store, ROOT, USER, "ada", Grant(permission, pattern)).id


def seen_by(client: "TestClient") -> set[str]:
    return {service["name"] for service in client.get("/api/v1/services").json()}


PATTERNS = {
    "*": set(NAMES),
    "*@staging": {STAGING, BLOG},
    "shop/*": {STAGING, LIVE, "shop/db"},
    "shop/*@live": {LIVE},
    "shop/web": {STAGING, LIVE},
    STAGING: {STAGING},
    "shop/db": {"shop/db"},
    "hello": {"hello"},
    "shop/*@nowhere": set(),
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_matches_the_same_services_in_sql(store: Store, pattern: str) -> None:
    found = listed.list_services(store.limited_to([[pattern]]))

    assert PATTERNS[pattern] == {each.entry.name for each in found}
    assert PATTERNS[pattern] == {name for name in NAMES if pattern in patterns_of(name)}


def test_a_name_of_an_invalid_service_is_not_a_pattern(store: Store) -> None:
    with store.begin() as db:
        odd = services.FoundService("shop/%@staging", None, "invalid")
        services.put(db, [odd], node="here")

    for pattern, count in (("shop/*", 4), ("shop/web", 2), ("shop/*@staging", 2)):
        assert count == len(listed.list_services(store.limited_to([[pattern]])))


ACTIONS: dict[str, Callable[["TestClient", int, int], int]] = {
    "check": lambda client, _, __: launch(client, STAGING, check=True),
    "deploy": lambda client, _, __: launch(client, STAGING),
    "cancel": lambda client, queued, _: (
        client.post(f"/api/v1/deployments/{queued}/cancel").status_code
    ),
    "retry": lambda client, _, ended: (
        client.post(f"/api/v1/deployments/{ended}/retry").status_code
    ),
    "manage": lambda client, _, __: (
        client.post(
            "/api/v1/schedules",
            json={"service": STAGING, "name": "n", "cron": "0 3 * * *"},
        ).status_code
    ),
}
NEEDS = {
    "check": Permission.CHECK,
    "deploy": Permission.DEPLOY,
    "cancel": Permission.CANCEL,
    "retry": Permission.DEPLOY,
    "manage": Permission.MANAGE,
}


def launch(client: "TestClient", name: str, *, check: bool = False) -> int:
    body = {"service": name, "options": {"check": check}}
    status: int = client.post("/api/v1/deployments", json=body).status_code
    return status


@pytest.mark.parametrize("permission", INCLUDED)
def test_each_action_needs_its_permission_on_the_service(
    ada: "TestClient", store: Store, settings: Settings, permission: Permission
) -> None:
    service = make_service(name=STAGING, **PLAYBOOK)
    ended = start_deployment(store, settings, service).id
    record.finish(store, ended, 0)
    queued = request_deployment(store, settings, service)
    grant(store, permission, STAGING)
    grant(store, Permission.VIEW, LIVE)

    for action, act in ACTIONS.items():
        allowed = NEEDS[action] in INCLUDED[permission]
        status = act(ada, queued, ended)
        assert allowed == (status in {200, 201, 202}), f"{action}: {status}"
        assert allowed or status == 403
    for check in (True, False):
        assert 403 == launch(ada, LIVE, check=check)
        # Without a permission to launch anything, no service is looked for.
        unknown = 404 if Permission.CHECK in INCLUDED[permission] else 403
        assert unknown == launch(ada, BLOG, check=check)


def test_the_page_of_a_service_has_the_actions_of_the_grant(
    ada: "TestClient", store: Store
) -> None:
    grant(store, Permission.DEPLOY, STAGING)
    grant(store, Permission.VIEW, LIVE)

    assert 'id="launch"' in ada.get(f"/services/{STAGING}").text
    assert 'id="launch"' not in ada.get(f"/services/{LIVE}").text
    overview = ada.get("/").text
    assert f"Launch {STAGING}" in overview
    assert f"Launch {LIVE}" not in overview


def test_a_team_gives_its_grants_to_its_members(
    ada: "TestClient", store: Store
) -> None:
    teams.create(store, ROOT, "shop")
    grants.add(store, ROOT, TEAM, "shop", Grant(Permission.VIEW, "shop/*"))
    assert set() == seen_by(ada)

    teams.add_member(store, ROOT, "shop", "ada")
    assert PATTERNS["shop/*"] == seen_by(ada)

    teams.remove_member(store, ROOT, "shop", "ada")
    assert set() == seen_by(ada)

    teams.add_member(store, ROOT, "shop", "ada")
    teams.remove(store, ROOT, "shop")
    assert set() == seen_by(ada)
    assert [] == list(grants.list_grants(store, ROOT))


def test_a_grant_that_is_removed_ends_at_once(ada: "TestClient", store: Store) -> None:
    number = grant(store, Permission.VIEW, "shop/*")
    assert PATTERNS["shop/*"] == seen_by(ada)

    grants.remove(store, ROOT, number)

    assert set() == seen_by(ada)
    with pytest.raises(NotFound):
        grants.remove(store, ROOT, number)


def test_a_personal_token_never_exceeds_its_owner(store: Store) -> None:
    make_user(store, "ada", Role.MEMBER)
    number = grant(store, Permission.DEPLOY, "shop/*")
    owner = auth.by_session(store, log_in(store, "ada"))
    assert owner is not None
    scopes = [Permission.VIEW, Permission.DEPLOY]
    secret = tokens.create_own_token(store, owner, "laptop", scopes)
    with pytest.raises(NotAllowed):
        tokens.create_own_token(store, owner, "more", [Permission.MANAGE])

    token = auth.by_token(store, secret)
    assert token.may_on(Permission.DEPLOY, STAGING)
    assert not token.may_on(Permission.CANCEL, STAGING)
    assert not token.may_on(Permission.DEPLOY, BLOG)
    assert token.access.visible

    grants.remove(store, ROOT, number)
    assert not auth.by_token(store, secret).may_on(Permission.VIEW, STAGING)
    assert not auth.by_token(store, secret).may(Permission.DEPLOY)


def test_a_limited_token_has_its_grants_and_nothing_without_them(store: Store) -> None:
    wanted = [Grant(Permission.CHECK, "shop/*@staging")]
    secret = tokens.create_limited_token(store, ROOT, "ci", wanted)

    token = auth.by_token(store, secret)
    assert token.may_on(Permission.CHECK, STAGING)
    assert not token.may_on(Permission.DEPLOY, STAGING)
    assert not token.may_on(Permission.VIEW, LIVE)
    assert not token.may(Permission.ADMIN)

    more = grants.add(store, ROOT, TOKEN, "ci", Grant(Permission.DEPLOY, "hello"))
    assert auth.by_token(store, secret).may_on(Permission.DEPLOY, "hello")

    for each in grants.list_grants(store, ROOT):
        grants.remove(store, ROOT, each.id)
    assert more.subject.name == "ci"
    token = auth.by_token(store, secret)
    assert frozenset() == token.permissions
    assert (frozenset(),) == token.access.visible


def test_a_token_of_all_services_is_not_limited_by_a_grant(store: Store) -> None:
    tokens.create_token(store, ROOT, "ci", [Permission.VIEW])

    with pytest.raises(Invalid, match="create a token with grants instead"):
        grants.add(store, ROOT, TOKEN, "ci", Grant(Permission.VIEW, "hello"))


def test_only_administrators_change_grants_and_teams(store: Store) -> None:
    make_user(store, "ada", Role.MEMBER)
    grant(store, Permission.MANAGE, "*")
    ada = auth.by_session(store, log_in(store, "ada"))
    assert ada is not None

    everything = Grant(Permission.MANAGE, "*")
    for refused in (
        lambda: grants.add(store, ada, USER, "ada", everything),
        lambda: grants.remove(store, ada, 1),
        lambda: teams.create(store, ada, "shop"),
        lambda: teams.add_member(store, ada, "shop", "ada"),
        lambda: tokens.create_limited_token(store, ada, "ci", [everything]),
        lambda: users.set_role(store, ada, 1, Role.ADMIN),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_a_wrong_grant_is_refused_with_the_reason(store: Store) -> None:
    make_user(store, "ada", Role.MEMBER)
    grant(store, Permission.VIEW, "hello")

    with pytest.raises(Conflict, match="has this grant already"):
        grant(store, Permission.VIEW, "hello")
    with pytest.raises(InvalidFields, match="choose one of view, check"):
        grant(store, Permission.ADMIN, "hello")
    with pytest.raises(InvalidFields, match="PROJECT/"):
        grant(store, Permission.VIEW, "%")
    with pytest.raises(NotFound, match="there is no team 'shop'"):
        grants.add(store, ROOT, TEAM, "shop", Grant(Permission.VIEW, "hello"))


def log_in(store: Store, name: str) -> str:
    return auth.log_in(store, name, PASSWORD, "192.0.2.1", timedelta(hours=1))


def test_the_pages_show_what_a_user_may_do_and_why(
    admin: "TestClient", store: Store
) -> None:
    user = make_user(store, "ada", Role.MEMBER)
    for path, form in (
        ("/admin/teams", {"name": "crew"}),
        ("/admin/teams/crew/members", {"user": user, "action": "add"}),
        ("/admin/grants", {"subject": "team", "name": "crew", "permission": "deploy",
                           "services": "shop/*@staging"}),
    ):  # fmt: skip
        assert 303 == admin.post(path, data=form).status_code, path

    assert "ada" in admin.get("/admin/teams").text
    assert "shop/*@staging" in admin.get("/admin/grants").text
    (number,) = (u.id for u in users.list_users(store, ROOT) if u.name == user)
    page = admin.get(f"/admin/users/{number}").text
    assert "deploy on shop/*@staging, by team crew" in page
    wrong = {"subject": "user", "name": user, "permission": "admin", "services": "*"}
    assert 422 == admin.post("/admin/grants", data=wrong).status_code
