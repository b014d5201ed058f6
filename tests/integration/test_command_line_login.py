"""The login of a command by a page: who gets a token, how often and for what."""

import base64
import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from app.domain.access import Role
from app.store.store import Store
from testing.web_client import csrf_of

if TYPE_CHECKING:
    # testing/web_client.py imports it without its warning.
    from starlette.testclient import TestClient

    from testing.web_client import ClientFor

VERIFIER = "v" * 64
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    .decode()
    .rstrip("=")
)
ASKED = {"port": "40001", "challenge": CHALLENGE, "state": "s" * 24,
         "machine": "laptop"}  # fmt: skip
#: The scopes that are selected in a page.
SELECTED = re.compile(r'name="scope" value="(\w+)" checked')
CONFIRMED = {**ASKED, "name": "laptop", "scope": "view", "lifetime": "90"}


def code_of(client: "TestClient") -> str:
    """Confirm a login, and return the code."""
    done = client.post("/login/cli", data=CONFIRMED, follow_redirects=False)
    assert 303 == done.status_code, done.text
    url = urlsplit(done.headers["location"])
    assert ("http", "127.0.0.1:40001") == (url.scheme, url.netloc)
    query = parse_qs(url.query)
    assert [ASKED["state"]] == query["state"]
    code: str = query["code"][0]
    return code


def exchange(client: "TestClient", code: str, verifier: str = VERIFIER) -> int:
    """Exchange a code; return the status."""
    data = {"code": code, "code_verifier": verifier}
    status: int = client.post("/login/cli/token", data=data).status_code
    return status


def test_a_code_is_exchanged_once_by_the_command_that_asked(
    admin: "TestClient",
) -> None:
    code = code_of(admin)

    wrong = exchange(admin, code, "w" * 64)
    forged = exchange(admin, code[:-8] + "AAAAAAA=")
    done = admin.post(
        "/login/cli/token", data={"code": code, "code_verifier": VERIFIER}
    )
    again = exchange(admin, code)

    token = done.json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    who = admin.get("/api/v1/account", headers=bearer).json()
    itself = f"/api/v1/tokens/{who['token']}"
    assert [401, 401, 200, 401] == [wrong, forged, done.status_code, again]
    assert "no-store" == done.headers["cache-control"]
    assert ["view"] == who["permissions"]
    assert 200 == admin.delete(itself, headers=bearer).status_code
    assert 401 == admin.get("/api/v1/account", headers=bearer).status_code


def test_a_code_expires_and_a_token_has_no_more_than_its_user(
    client_for: "ClientFor", store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = client_for(Role.VIEWER)
    viewer.headers["X-CSRF-Token"] = csrf_of(viewer, store)

    refused = viewer.post("/login/cli", data={**CONFIRMED, "scope": "deploy"})
    code = code_of(viewer)
    monkeypatch.setattr("app.usecases.command_line_login.CODE_SECONDS", 0)

    assert 403 == refused.status_code
    assert 401 == exchange(viewer, code)


@pytest.mark.parametrize(
    "changed",
    [
        {"port": "80"},
        {"port": "40001@evil.example"},
        {"challenge": "short"},
        {"state": ""},
    ],
    ids=["port", "host", "challenge", "state"],
)
def test_an_address_that_no_command_has_printed_is_refused(
    admin: "TestClient", store: Store, changed: dict[str, str]
) -> None:
    shown = admin.get("/login/cli", params=ASKED | changed)
    sent = admin.post("/login/cli", data=CONFIRMED | changed, follow_redirects=False)

    assert [422, 422] == [shown.status_code, sent.status_code]
    with store.begin() as db:
        assert 0 == db.scalar(text("SELECT count(*) FROM tokens"))


def test_the_page_preselects_what_launches_need(
    admin: "TestClient", client_for: "ClientFor"
) -> None:
    chosen = {
        role: set(SELECTED.findall(client.get("/login/cli", params=ASKED).text))
        for role, client in (
            (Role.ADMIN, admin),
            (Role.VIEWER, client_for(Role.VIEWER)),
        )
    }

    assert {"view", "check", "deploy", "cancel"} == chosen[Role.ADMIN]
    assert {"view"} == chosen[Role.VIEWER]


def test_the_page_shows_the_machine_and_may_redirect_to_its_port_alone(
    admin: "TestClient",
) -> None:
    page = admin.get("/login/cli", params=ASKED | {"machine": "<b>lap top"})

    policy = page.headers["content-security-policy"]
    assert "form-action 'self' http://127.0.0.1:40001;" in policy
    assert "-b-lap-top" in page.text
    assert "<b>lap" not in page.text
