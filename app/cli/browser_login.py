"""Log in by a page of the server: a code comes back to this computer by a redirect.

The page redirects the browser to a port of 127.0.0.1, on which this command listens.
The code is worth nothing without the verifier of PKCE, which stays in this process.
"""

import base64
import hashlib
import os
import secrets
import socket
import sys
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from app.cli.remote_api import exchange_code
from app.errors import NotLoggedIn

#: Seconds that the user has to confirm the login.
_PATIENCE = 300
_PAGE = (
    "<!doctype html><meta charset=utf-8><title>FastDeploy</title>"
    "<p>Logged in. You can close this page and return to the terminal.</p>"
)


class _Callback(HTTPServer):
    """Receives the code, in a request with the state of this login."""

    timeout = 1.0

    def __init__(self, state: str) -> None:
        self.state = state
        self.code = ""
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Callback
    server_version = "fastdeploy"
    #: Another program on this computer may connect and send nothing.
    timeout = 5

    def do_GET(self) -> None:
        """Take the code."""
        query = parse_qs(urlsplit(self.path).query)
        code, state = query.get("code", [""])[0], query.get("state", [""])[0]
        if not code or not secrets.compare_digest(state.encode(), self._state):
            self.send_error(404)
            return
        self.server.code = code
        content = _PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)

    @property
    def _state(self) -> bytes:
        return self.server.state.encode()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing: the path has the code."""


def fetch_token(url: str, *, open_browser: bool) -> str:
    """Return a token that the user confirms on a page. Raises NotLoggedIn."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    with _Callback(state) as callback:
        query = {
            "port": callback.server_port,
            "challenge": _challenge(verifier),
            "state": state,
            "machine": socket.gethostname(),
        }
        page = f"{url}/login/cli?{urlencode(query)}"
        print(f"Confirm the login on this page:\n\n  {page}\n", file=sys.stderr)
        if open_browser and _has_desktop():
            webbrowser.open(page)
        code = _wait(callback)
    return exchange_code(url, code, verifier)


def _wait(callback: _Callback) -> str:
    """Return the code. Raises NotLoggedIn if none arrives in time."""
    end = time.monotonic() + _PATIENCE
    while not callback.code:
        if time.monotonic() > end:
            raise NotLoggedIn(
                "nobody confirmed the login; run it again, or use --token-stdin"
            )
        callback.handle_request()
    return callback.code


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _has_desktop() -> bool:
    """Return whether a browser would have a window; others would use the terminal."""
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform != "linux" or bool(shown)
