"""Logging in with an OpenID provider: a real one, and tokens that aren't right."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from app.domain.access import Role
from app.settings import Settings
from app.store.store import Store
from app.usecases import audit, teams, users
from testing.factories import PASSWORD, ROOT, make_user
from testing.openid_provider import OpenidProvider, log_in, openid_provider
from testing.web_client import started_web

SITE = "http://testserver"
CALLBACK = f"{SITE}/login/provider/example/callback"
SUBJECT = "248289761001"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenidProvider]:
    """A provider, which the tests of this module share."""
    folder = tmp_path_factory.mktemp("provider")
    with openid_provider(folder, CALLBACK) as found:
        yield found


@pytest.fixture
def browser(
    provider: OpenidProvider, settings: Settings, tmp_path: Path
) -> Iterator[TestClient]:
    """A browser that has opened FastDeploy, where one can log in at the provider."""
    file = tmp_path / "oidc.toml"
    file.write_text(provider.toml())
    file.chmod(0o600)
    changed = settings.model_copy(update={"oidc_file": file, "url": SITE})
    with started_web(changed) as web:
        yield TestClient(web, follow_redirects=False, raise_server_exceptions=False)


def sign_in(browser: TestClient, subject: str = SUBJECT) -> httpx.Response:
    """Log in at the provider, and return FastDeploy's response to the callback."""
    begun = browser.get("/login/provider/example?next=/nodes")
    with httpx.Client() as elsewhere:
        answer = log_in(elsewhere, begun.headers["location"], subject)
    response: httpx.Response = browser.get(answer)
    return response


def role_of(store: Store, name: str) -> Role | None:
    found = (each.role for each in users.list_users(store, ROOT) if each.name == name)
    return next(found, None)


def test_a_login_makes_an_account_with_the_role_of_its_groups(
    browser: TestClient, provider: OpenidProvider, store: Store
) -> None:
    provider.set_account(SUBJECT, preferred_username="jo", groups=["staff", "other"])

    assert "Log in with Example" in browser.get("/login").text
    response = sign_in(browser)

    assert (303, "/nodes") == (response.status_code, response.headers["location"])
    assert 200 == browser.get("/nodes").status_code
    assert Role.DEPLOYER is role_of(store, "jo")
    noted = [(e.actor, e.action, e.subject) for e in audit.latest(store, ROOT)]
    by_provider = "example (provider)"
    assert [
        ("jo", "log in", "example"),
        (by_provider, "add team member", "jo to crew"),
        (by_provider, "create team", "crew"),
        (by_provider, "create user", "jo"),
    ] == noted


def test_an_account_is_issuer_and_subject_and_never_a_name(
    browser: TestClient, provider: OpenidProvider, store: Store
) -> None:
    make_user(store, "jo", Role.ADMIN)
    provider.set_account(SUBJECT, preferred_username="jo", groups=["staff"])
    sign_in(browser)
    # The user is called otherwise now, and somebody else as they were before.
    provider.set_account(SUBJECT, preferred_username="joan", groups=["admins"])
    sign_in(browser)
    provider.set_account("2", preferred_username="jo", groups=["staff"])
    sign_in(browser, "2")

    assert {
        "jo": Role.ADMIN,
        "jo-example": Role.ADMIN,
        "jo-example-2": Role.DEPLOYER,
    } == {each.name: each.role for each in users.list_users(store, ROOT)}


def test_groups_decide_at_every_login_and_end_sessions_if_they_give_nothing(
    browser: TestClient, provider: OpenidProvider, store: Store
) -> None:
    provider.set_account(SUBJECT, preferred_username="jo", groups=["admins"])
    sign_in(browser)
    provider.set_account(SUBJECT, preferred_username="jo", groups=["staff"])
    sign_in(browser)
    lowered = role_of(store, "jo")
    provider.set_account(SUBJECT, preferred_username="jo")

    refused = sign_in(browser)

    assert Role.DEPLOYER is lowered
    assert 403 == refused.status_code
    assert "give you no access" in refused.text
    assert 401 == browser.get("/nodes").status_code


def test_groups_decide_about_the_teams_that_they_give(
    browser: TestClient, provider: OpenidProvider, store: Store
) -> None:
    provider.set_account(SUBJECT, preferred_username="jo", groups=["staff"])
    sign_in(browser)
    # Somebody adds them to a team by hand, which no group gives.
    teams.create(store, ROOT, "friends")
    teams.add_member(store, ROOT, "friends", "jo")
    sign_in(browser)
    first = [(each.name, each.members) for each in teams.list_teams(store, ROOT)]
    provider.set_account(SUBJECT, preferred_username="jo", groups=["admins"])
    sign_in(browser)

    assert [("crew", ("jo",)), ("friends", ("jo",))] == first
    assert [("crew", ()), ("friends", ("jo",))] == [
        (each.name, each.members) for each in teams.list_teams(store, ROOT)
    ]


def test_a_disabled_account_stays_out(
    browser: TestClient, provider: OpenidProvider, store: Store
) -> None:
    provider.set_account(SUBJECT, preferred_username="jo", groups=["staff"])
    sign_in(browser)
    number = next(e.id for e in users.list_users(store, ROOT) if e.name == "jo")
    users.disable(store, ROOT, number)

    refused = sign_in(browser)

    assert 403 == refused.status_code
    assert "this account is disabled" in refused.text


def test_nobody_has_a_password_for_such_an_account(
    browser: TestClient, provider: OpenidProvider
) -> None:
    provider.set_account(SUBJECT, preferred_username="jo", groups=["staff"])
    sign_in(browser)

    for password in ("", "!", PASSWORD):
        form = {"name": "jo", "password": password}
        assert 401 == browser.post("/login", data=form).status_code


def test_a_response_of_another_login_is_refused(
    browser: TestClient, provider: OpenidProvider
) -> None:
    provider.set_account(SUBJECT, preferred_username="jo", groups=["staff"])
    begun = browser.get("/login/provider/example?next=//evil.example")
    with httpx.Client() as elsewhere:
        answer = log_in(elsewhere, begun.headers["location"], SUBJECT)
    cookies = dict(browser.cookies)

    # Of another browser, of another login in this browser, and twice.
    browser.cookies.clear()
    foreign = browser.get(answer)
    browser.get("/login/provider/example")
    newer = browser.get(answer)
    browser.cookies.update(cookies)
    own = browser.get(answer)
    browser.cookies.update(cookies)
    again = browser.get(answer)

    assert [401, 401, 303, 502] == [
        each.status_code for each in (foreign, newer, own, again)
    ]
    assert "started in another browser" in foreign.text
    assert "/" == own.headers["location"]
    assert "invalid_grant" in again.text


def test_a_login_that_the_provider_refuses_says_so(browser: TestClient) -> None:
    begun = httpx.URL(browser.get("/login/provider/example").headers["location"])
    query = f"error=access_denied&error_description=<b>no&state={begun.params['state']}"

    refused = browser.get(f"/login/provider/example/callback?{query}")

    assert 401 == refused.status_code
    assert "Example refused the login: &lt;b&gt;no" in refused.text


def test_keys_may_change_and_a_provider_that_is_down_leaves_the_password(
    browser: TestClient, provider: OpenidProvider, store: Store
) -> None:
    provider.set_account(SUBJECT, preferred_username="jo", groups=["staff"])
    sign_in(browser)
    provider.stop()
    provider.rotate_keys()
    try:
        down = sign_in_fails(browser)
    finally:
        provider.start()
    make_user(store, "ada", Role.VIEWER)
    local = browser.post("/login", data={"name": "ada", "password": PASSWORD})

    assert (502, True) == (down.status_code, "Example doesn&#39;t answer" in down.text)
    assert 303 == local.status_code
    assert 303 == sign_in(browser).status_code


def sign_in_fails(browser: TestClient) -> httpx.Response:
    """Return the response to a callback while the provider is down."""
    begun = httpx.URL(browser.get("/login/provider/example").headers["location"])
    query = f"code=any&state={begun.params['state']}"
    response: httpx.Response = browser.get(f"/login/provider/example/callback?{query}")
    return response
