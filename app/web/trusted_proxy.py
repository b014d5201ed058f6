"""Believe what a proxy says about a request, and only the proxy.

A request comes from the proxy if it has the secret of FASTDEPLOY_PROXY_SECRET, or comes
through a Unix socket. Then X-Forwarded-For and X-Forwarded-Proto count, and the headers
that name the user. From everybody else, they are removed.
"""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.identity import Identity
from app.domain.proxy_login import ProxyLogin

#: The header with the secret of the proxy.
SECRET_HEADER = "x-fastdeploy-proxy-secret"  # noqa: S105 - the name of a header
_FORWARDED = frozenset({"x-forwarded-for", "x-forwarded-proto"})
_SCHEMES = frozenset({"http", "https"})
_MISMATCH = (
    "the header X-FastDeploy-Proxy-Secret doesn't have the value of "
    "FASTDEPLOY_PROXY_SECRET; correct the configuration of the proxy"
)
_SEVERAL = (
    "the header {} was sent more than once; let the proxy replace the one of the client"
)

Refuse = Callable[[Request, str], Awaitable[Response]]


class TrustedProxy:
    """Applies and removes the headers of the proxy.

    `refuse` answers a request with a wrong secret, or with a header that came twice.
    """

    def __init__(
        self, app: ASGIApp, *, secret: str, login: ProxyLogin | None, refuse: Refuse
    ) -> None:
        self._app = app
        self._secret = secret.encode()
        self._login = login
        self._refuse = refuse
        self._names = login.headers if login is not None else frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = _values(scope, SECRET_HEADER)
        trusted = _by_socket(scope)
        problem = ""
        if given and self._secret:
            trusted = len(given) == 1 and self._matches(given[0])
            problem = "" if trusted else _MISMATCH
        if trusted:
            problem = self._repeated(scope)
        inner = self._without_headers(scope)
        if trusted and not problem:
            inner |= _forwarded(scope)
            inner["state"]["proxy_identity"] = self._identity(scope)
        if problem:
            response = await self._refuse(Request(inner), problem)
            await response(inner, receive, send)
            return
        await self._app(inner, receive, send)

    def _matches(self, given: bytes) -> bool:
        return hmac.compare_digest(given, self._secret)

    def _repeated(self, scope: Scope) -> str:
        """Return the problem with a header that came twice, empty if none did."""
        for name in sorted(self._names):
            if len(_values(scope, name)) > 1:
                return _SEVERAL.format(name)
        return ""

    def _identity(self, scope: Scope) -> Identity | None:
        if self._login is None:
            return None
        values = {}
        for name in self._names:
            for value in _values(scope, name):
                try:
                    values[name] = value.decode()
                except UnicodeDecodeError:
                    return None
        return self._login.identity_of(values)

    def _without_headers(self, scope: Scope) -> dict[str, Any]:
        """Return the scope of a request without the headers of the proxy."""
        removed = self._names | _FORWARDED | {SECRET_HEADER}
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if name.decode("latin-1").lower() not in removed
        ]
        return {**scope, "headers": kept, "state": dict(scope.get("state", {}))}


def proxy_identity(request: Request) -> Identity | None:
    """Return whom the proxy names in a request, None without such a proxy."""
    found: Identity | None = getattr(request.state, "proxy_identity", None)
    return found


def _by_socket(scope: Scope) -> bool:
    """Return whether a request came through a Unix socket; uvicorn has its path."""
    server: tuple[str, int | None] | None = scope.get("server")
    return server is not None and server[1] is None


def _values(scope: Scope, name: str) -> list[bytes]:
    encoded = name.encode()
    return [value for key, value in scope["headers"] if key.lower() == encoded]


def _forwarded(scope: Scope) -> dict[str, Any]:
    """Return the client and the scheme that the proxy forwards, as far as it does."""
    found: dict[str, Any] = {}
    address = _client(_values(scope, "x-forwarded-for"))
    if address:
        found["client"] = (address, 0)
    schemes = [value.decode("latin-1") for value in _values(scope, "x-forwarded-proto")]
    if len(schemes) == 1 and schemes[0].strip() in _SCHEMES:
        found["scheme"] = schemes[0].strip()
    return found


def _client(values: Iterable[bytes]) -> str:
    """Return the last address that isn't one of this host: the proxy has added it."""
    parts = b",".join(values).decode("latin-1").split(",")
    for part in reversed(parts):
        try:
            address = ipaddress.ip_address(part.strip())
        except ValueError:
            return ""
        if not address.is_loopback:
            return str(address)
    return ""
