"""A certified OpenID provider, oidc-provider of npm, and what a browser does there."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import ECKey, KeySet, RSAKey

from testing.node import node
from testing.paths import ROOT
from testing.ports import free_port
from testing.processes import Process
from testing.waiting import eventually

_FOLDER = ROOT / "tests" / "data" / "oidc"
CLIENT_ID = "fastdeploy"
#: Characters that a form encodes: the header for the token endpoint must have them so.
CLIENT_SECRET = "of the tests: + % and /"


class OpenidProvider:
    """The provider, whose accounts a test can change."""

    def __init__(self, folder: Path, callback: str) -> None:
        """`callback` is the URL of FastDeploy to which users return."""
        assert (_FOLDER / "node_modules").is_dir(), "run tools/prepare-tests"
        self._folder = folder
        self._file = folder / "provider.json"
        self.issuer = ""
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        self._settings: dict[str, Any] = {
            "issuer": self.issuer,
            "port": port,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": callback,
            "logout_uri": f"{callback.removesuffix('callback')}logout",
            "accounts": {},
        }
        self.rotate_keys()
        self._process: Process | None = None

    def toml(self, **more: str) -> str:
        """Return a section of FastDeploy's file of providers."""
        values = {
            "name": "Example",
            "issuer": self.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        } | more
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        scopes = 'scopes = ["openid", "profile", "email", "groups"]'
        roles = "[providers.example.roles]\nadmins = 'admin'\nstaff = 'deployer'"
        teams = "[providers.example.teams]\nstaff = 'crew'\nplatform = 'crew'"
        return "\n".join(["[providers.example]", *lines, scopes, roles, teams, ""])

    def set_account(self, subject: str, **claims: object) -> None:
        """Add or change an account; `groups` are a list."""
        self._settings["accounts"][subject] = claims
        self._write()

    def rotate_keys(self) -> None:
        """Sign with other keys from the next start on."""
        keys = KeySet(
            [
                RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}),
                ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}),
            ]
        )
        for key in keys.keys:
            key.ensure_kid()
        self._settings["jwks"] = keys.as_dict(private=True)
        self._write()

    def start(self) -> None:
        """Start the process, and wait until it answers."""
        self._process = Process(
            [node(), str(_FOLDER / "provider.mjs"), str(self._file)],
            {"HOME": str(self._folder)},
            self._folder / "provider.log",
        )
        eventually(self._is_ready)

    def stop(self) -> None:
        """Stop the process."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _is_ready(self) -> bool:
        with suppress(httpx.TransportError):
            url = f"{self.issuer}/.well-known/openid-configuration"
            return httpx.get(url).is_success
        return False

    def _write(self) -> None:
        self._file.write_text(json.dumps(self._settings))


def log_in(browser: httpx.Client, url: str, subject: str) -> str:
    """Log in at the provider, and agree; return the URL of FastDeploy that follows."""
    response = browser.get(url)
    while response.is_redirect:
        location = str(response.next_request.url) if response.next_request else ""
        if "/callback" in location:
            return location
        response = browser.get(location)
        prompt = re.search(r'name="prompt" value="(\w+)"', response.text)
        if prompt is not None:
            action = re.search(r'action="([^"]+)"', response.text)
            assert action is not None
            form = {"prompt": prompt[1], "login": subject, "password": "any"}
            response = browser.post(action[1], data=form)
    raise AssertionError(response.text)


@contextmanager
def openid_provider(folder: Path, callback: str) -> Iterator[OpenidProvider]:
    """Run a provider."""
    provider = OpenidProvider(folder, callback)
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
