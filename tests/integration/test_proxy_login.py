"""A proxy that names who has logged in, and its client: whom FastDeploy believes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.bootstrap.web import make_web
from app.domain.access import Role
from app.errors import BadSetting
from app.settings import Settings
from app.store.store import Store
from app.usecases import audit, teams, users
from testing.factories import PASSWORD, ROOT, make_user
from testing.web_client import started_web

SECRET = "a secret of the proxy that is long enough"
BY_PROXY = {"X-FastDeploy-Proxy-Secret": SECRET, "X-Forwarded-For": "203.0.113.9"}
ADA = {**BY_PROXY, "Remote-User": "4711", "Remote-Name": "ada"}
CONTENT = """
name = "Authelia"
user_header = "Remote-User"
name_header = "Remote-Name"
groups_header = "Remote-Groups"
logout_url = "https://auth.example.org/logout"
[roles]
admins = "admin"
staff = "deployer"
[teams]
shop = "shop"
"""


@pytest.fixture
def behind_proxy(settings: Settings, tmp_path: Path) -> Settings:
    file = tmp_path / "proxy.toml"
    file.write_text(CONTENT)
    return settings.model_copy(
        update={"proxy_login_file": file, "proxy_secret": SecretStr(SECRET)}
    )


@pytest.fixture
def browser(behind_proxy: Settings) -> Iterator[Callable[[], TestClient]]:
    """Return new browsers."""
    with started_web(behind_proxy) as web:
        yield lambda: TestClient(web, follow_redirects=False)


def enter(client: TestClient, headers: dict[str, str]) -> httpx.Response:
    """Open the login page, and follow where it leads."""
    answer = client.get("/login?next=/nodes", headers=headers)
    if answer.status_code == 303:
        answer = client.get(answer.headers["location"], headers=headers)
    found: httpx.Response = answer
    return found


def test_the_proxy_logs_users_in_with_the_role_and_teams_of_their_groups(
    browser: Callable[[], TestClient], store: Store
) -> None:
    client = browser()
    staff = ADA | {"Remote-Groups": "staff, shop"}

    answer = enter(client, staff)

    assert (303, "/nodes") == (answer.status_code, answer.headers["location"])
    assert 200 == client.get("/nodes", headers=staff).status_code
    (member,) = users.list_users(store, ROOT)
    assert ("ada", Role.DEPLOYER) == (member.name, member.role)
    (team,) = teams.list_teams(store, ROOT)
    assert ["ada"] == list(team.members)
    entry = audit.latest(store, ROOT)[0]
    assert ("log in", "proxy") == (entry.action, entry.subject)
    assert "203.0.113.9" == entry.address
    # The groups decide again at the next login.
    enter(browser(), ADA | {"Remote-Groups": "admins"})
    assert Role.ADMIN is users.list_users(store, ROOT)[0].role
    refused = enter(browser(), ADA | {"Remote-Groups": "guests"})
    assert 403 == refused.status_code
    assert "give you no access" in refused.text


def test_a_header_without_the_secret_names_nobody(
    browser: Callable[[], TestClient], store: Store
) -> None:
    forged = {"Remote-User": "4711", "Remote-Groups": "admins"}

    page = enter(browser(), forged | {"X-Forwarded-For": "203.0.113.9"})

    assert 200 == page.status_code
    assert "Authelia" not in page.text
    at_once = browser().get("/login/proxy", headers=forged)
    assert "/login" == at_once.headers["location"]
    assert [] == users.list_users(store, ROOT)


@pytest.mark.parametrize("secrets", [["wrong"], [SECRET, SECRET], ["wrong", SECRET]])
def test_a_wrong_secret_is_refused_and_audited(
    browser: Callable[[], TestClient], store: Store, secrets: list[str]
) -> None:
    headers = [("Remote-User", "4711"), ("Remote-Groups", "admins")]
    headers += [("X-FastDeploy-Proxy-Secret", secret) for secret in secrets]

    for path in ("/login", "/login/proxy", "/healthz"):
        answer = browser().get(path, headers=headers)
        assert 401 == answer.status_code
        assert "correct the configuration of the proxy" in answer.text
        assert SECRET not in answer.text

    entry = audit.latest(store, ROOT)[0]
    assert ("proxy", "refused") == (entry.actor, entry.action)
    assert "GET /healthz: the header X-FastDeploy-Proxy-Secret" in entry.subject


def test_a_header_that_comes_twice_is_refused(
    browser: Callable[[], TestClient],
) -> None:
    """A proxy that adds its header keeps the one that its client sent."""
    headers = [*ADA.items(), ("remote-groups", "staff"), ("Remote-Groups", "admins")]

    answer = browser().get("/login/proxy", headers=headers)

    assert 401 == answer.status_code
    assert "remote-groups was sent more than once" in answer.text


def test_a_session_is_of_the_user_whom_the_proxy_names(
    browser: Callable[[], TestClient], store: Store
) -> None:
    client, staff = browser(), {"Remote-Groups": "staff"}
    enter(client, ADA | staff)

    assert 200 == client.get("/nodes", headers=ADA).status_code
    # The cookie alone doesn't do, nor the name of somebody else.
    eve = BY_PROXY | {"Remote-User": "4712", "Remote-Name": "eve"} | staff
    for headers in ({}, BY_PROXY, eve):
        assert 401 == client.get("/nodes", headers=headers).status_code
    enter(client, eve)
    assert 200 == client.get("/nodes", headers=eve).status_code
    assert {"ada", "eve"} == {each.name for each in users.list_users(store, ROOT)}


def test_a_logout_leads_to_the_logout_of_the_proxy(
    browser: Callable[[], TestClient],
) -> None:
    client, staff = browser(), ADA | {"Remote-Groups": "staff"}
    enter(client, staff)
    page = client.get("/account", headers=staff).text
    csrf = page.partition('csrf_token" value="')[2].partition('"')[0]

    answer = client.post("/logout", data={"csrf_token": csrf}, headers=staff)

    assert "/login?local=1" == answer.headers["location"]
    page = client.get("/login?local=1", headers=staff).text
    assert 'href="https://auth.example.org/logout"' in page
    assert 'name="password"' in page


def test_users_of_the_proxy_need_no_second_factor_and_others_log_in_as_before(
    behind_proxy: Settings, store: Store
) -> None:
    make_user(store, "root", Role.ADMIN)
    changed = behind_proxy.model_copy(update={"require_second_factor": "deployer"})
    with started_web(changed) as web:
        client = TestClient(web, follow_redirects=False)
        staff = ADA | {"Remote-Groups": "staff"}
        enter(client, staff)
        assert 200 == client.get("/nodes", headers=staff).status_code

        form = {"name": "root", "password": PASSWORD}
        assert 303 == client.post("/login", data=form, headers=ADA).status_code
        assert 200 == client.get("/admin/audit").status_code


def test_without_secret_and_socket_the_headers_are_not_accepted(
    behind_proxy: Settings,
) -> None:
    unsafe = behind_proxy.model_copy(update={"proxy_secret": SecretStr("")})

    with pytest.raises(BadSetting, match="needs FASTDEPLOY_PROXY_SECRET"):
        make_web(unsafe)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('name = "A"', "user_header"),
        ('name = "A"\nuser_header = "Remote User"', "user_header"),
        (CONTENT.replace("deployer", "king"), "roles"),
        ("name =", "proxy.toml"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    behind_proxy: Settings, content: str, problem: str
) -> None:
    assert behind_proxy.proxy_login_file
    behind_proxy.proxy_login_file.write_text(content)

    with pytest.raises(BadSetting, match=f"FASTDEPLOY_PROXY_LOGIN_FILE.*{problem}"):
        make_web(behind_proxy)
