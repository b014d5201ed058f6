"""Tokens of an OpenID provider that aren't right, and its logout tokens."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from starlette.testclient import TestClient

from app.domain.oidc import Provider
from app.errors import ProviderFailed
from app.oidc_client import OidcClient
from app.settings import Settings
from testing.http_thread import serving
from testing.web_client import started_web

SITE = "http://testserver"
SECRET = "the secret of a login"
NONE: dict[str, Any] = {}


class Signer:
    """A provider that answers with the tokens of a test."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"})
        self.key.ensure_kid()
        self.claims: dict[str, Any] = {}
        self.signs_with: Any = self.key
        self.header: dict[str, Any] = {"alg": "RS256", "kid": self.key.kid}
        self.issuer = ""

    def token(self, **changes: object) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "fastdeploy", "sub": "1", "iat": now,
                  "exp": now + 60}  # fmt: skip
        changed = claims | changes
        kept = {name: value for name, value in changed.items() if value is not None}
        return jwt.encode(self.header, kept, self.signs_with, ["RS256", "HS256"])

    def answer(self, path: str) -> object:
        if path == "/keys":
            return KeySet([self.key]).as_dict(private=False)
        if path == "/token":
            return {"id_token": self.token(**self.claims), "access_token": "x"}
        if path == "/me":
            return {"sub": "1", "groups": ["staff"]}
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/me",
        }


@pytest.fixture
def signer() -> Iterator[Signer]:
    """A provider whose tokens the test makes."""
    made = Signer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(made.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - of http.server

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    with serving(server):
        yield made


@pytest.fixture
def client(signer: Signer) -> OidcClient:
    """A client of that provider."""
    found = OidcClient(provider_of(signer), f"{SITE}/callback")
    url = found.authorization_url(SECRET)
    signer.claims = {"nonce": dict(pair.split("=") for pair in url.split("&"))["nonce"]}
    return found


def provider_of(signer: Signer) -> Provider:
    return Provider.model_validate(
        {
            "name": "Example",
            "issuer": signer.issuer,
            "client_id": "fastdeploy",
            "client_secret": "of the tests",
            "roles": {"staff": "deployer"},
        }
    )


def test_groups_come_from_userinfo_if_the_token_has_none(client: OidcClient) -> None:
    assert frozenset({"staff"}) == client.identify(SECRET, "code").groups


@pytest.mark.parametrize("seconds", [-50, 50])
def test_clocks_may_differ_a_little(
    client: OidcClient, signer: Signer, seconds: int
) -> None:
    now = int(time.time()) + seconds
    signer.claims |= {"iat": now, "nbf": now, "exp": now + 5}

    assert "1" == client.identify(SECRET, "code").subject


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": 4_000_000_000, "exp": 4_000_000_060},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": None},
        {"nbf": 4_000_000_000},
        {"aud": "another client"},
        {"aud": ["another client"]},
        {"aud": ["fastdeploy", "another client"]},
        {"aud": ["fastdeploy"], "azp": "another client"},
        {"iss": "https://id.example.org"},
        {"iss": None},
        {"sub": None},
        {"sub": 7},
        {"nonce": "of another login"},
        {"nonce": None},
    ],
)
def test_a_token_that_is_not_for_this_login_is_refused(
    client: OidcClient, signer: Signer, claims: dict[str, Any]
) -> None:
    signer.claims |= claims

    with pytest.raises(ProviderFailed, match="isn't valid"):
        client.identify(SECRET, "code")


def test_a_token_that_the_provider_did_not_sign_is_refused(
    client: OidcClient, signer: Signer
) -> None:
    client.identify(SECRET, "code")
    public = json.dumps(signer.key.as_dict(private=False))
    others: list[tuple[Any, dict[str, Any]]] = [
        (RSAKey.generate_key(2048), {"alg": "RS256", "kid": signer.key.kid}),
        (RSAKey.generate_key(2048), {"alg": "RS256", "kid": "unknown"}),
        (OctKey.import_key(public), {"alg": "HS256", "kid": signer.key.kid}),
    ]
    for key, header in others:
        signer.signs_with, signer.header = key, header
        with pytest.raises(ProviderFailed, match="isn't valid"):
            client.identify(SECRET, "code")


def test_another_issuer_than_the_configured_one_is_refused(signer: Signer) -> None:
    provider = provider_of(signer).model_copy(update={"issuer": f"{signer.issuer}/"})

    with pytest.raises(ProviderFailed, match="the issuer of Example is"):
        OidcClient(provider, SITE).authorization_url(SECRET)


def test_the_metadata_may_not_name_another_issuer_in_a_response(
    client: OidcClient,
) -> None:
    url = client.authorization_url(SECRET)
    state = dict(pair.split("=") for pair in url.split("&"))["state"]

    assert client.belongs(SECRET, state, None)
    assert not client.belongs(SECRET, state, "https://id.example.org")
    assert not client.belongs("another", state, None)


@pytest.fixture
def site(signer: Signer, settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    """FastDeploy with that provider."""
    file = tmp_path / "oidc.toml"
    file.write_text(
        f"[providers.example]\nname = 'Example'\nissuer = '{signer.issuer}'\n"
        "client_id = 'fastdeploy'\nclient_secret = 'x'\ndefault_role = 'viewer'\n"
    )
    file.chmod(0o600)
    changed = settings.model_copy(update={"oidc_file": file, "url": SITE})
    with started_web(changed) as web:
        yield TestClient(web, follow_redirects=False, raise_server_exceptions=False)


def log_in(site: TestClient, signer: Signer, **claims: object) -> str:
    """Log in, and return the cookie of the session."""
    site.cookies.clear()
    asked = site.get("/login/provider/example").headers["location"]
    values = dict(pair.split("=") for pair in asked.split("&"))
    signer.claims = {"nonce": values["nonce"], "groups": [], **claims}
    query = f"code=x&state={values['state']}"
    answer = site.get(f"/login/provider/example/callback?{query}")
    assert 303 == answer.status_code, answer.text
    return str(site.cookies["fastdeploy"])


def is_logged_in(site: TestClient, cookie: str) -> bool:
    site.cookies.clear()
    site.cookies["fastdeploy"] = cookie
    return bool(site.get("/nodes").status_code == 200)


EVENTS = {"http://schemas.openid.net/event/backchannel-logout": NONE}


@pytest.mark.parametrize(
    ("claims", "remaining"),
    [
        ({"sub": "1", "sid": None}, [False, False, True]),
        ({"sub": "1", "sid": "first"}, [False, True, True]),
        ({"sub": None, "sid": "second"}, [True, False, True]),
        ({"sub": "3", "sid": "first"}, [True, True, True]),
    ],
)
def test_a_logout_token_ends_the_sessions_that_it_names(
    site: TestClient, signer: Signer, claims: dict[str, Any], remaining: list[bool]
) -> None:
    cookies = [
        log_in(site, signer, sid="first"),
        log_in(site, signer, sid="second"),
        log_in(site, signer, sub="2", sid="third"),
    ]

    form = {"logout_token": signer.token(events=EVENTS, **claims)}
    response = site.post("/login/provider/example/logout", data=form)

    assert 200 == response.status_code
    assert remaining == [is_logged_in(site, cookie) for cookie in cookies]


@pytest.mark.parametrize(
    "claims",
    [
        NONE,
        {"events": {"another": NONE}},
        {"events": EVENTS, "nonce": "x"},
        {"events": EVENTS, "sub": None},
        {"events": EVENTS, "aud": "another client"},
        {"events": EVENTS, "sid": ["first"]},
    ],
)
def test_another_token_ends_no_session(
    site: TestClient, signer: Signer, claims: dict[str, Any]
) -> None:
    cookie = log_in(site, signer, sid="first")

    form = {"logout_token": signer.token(**claims)}
    response = site.post("/login/provider/example/logout", data=form)

    assert 400 == response.status_code
    assert is_logged_in(site, cookie)
