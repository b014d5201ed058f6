"""Requests straight to the ASGI application, by a client that a test holds back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.applications import Starlette
from starlette.types import Message

#: Called with each message of the response, before the next one is made.
OnMessage = Callable[[Message], Awaitable[None]]


async def take(_: Message) -> None:
    """Take a message at once, as a fast client does."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client with a bearer token, or with the secret of a session.

    The responses go to `on_message`.
    """

    app: Starlette
    token: str = ""
    session: str = ""

    async def request(
        self,
        address: str,
        method: str = "GET",
        *,
        body: bytes = b"",
        content_type: str = "application/json",
        on_message: OnMessage = take,
        leave: anyio.Event | None = None,
    ) -> tuple[int, bytes]:
        """Send one request; returns the status and the content.

        The client goes away when `leave` is set.
        """
        url = urlsplit(address)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": url.path,
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "root_path": "",
            "headers": [
                (b"host", b"testserver"),
                (b"content-type", content_type.encode()),
                (b"cookie", f"fastdeploy={self.session}".encode())
                if self.session
                else (b"authorization", f"Bearer {self.token}".encode()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
        }
        sent = [{"type": "http.request", "body": body, "more_body": False}]
        left = leave or anyio.Event()
        status, content = 0, bytearray()

        async def receive() -> Message:
            if sent:
                return sent.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            content.extend(message.get("body", b""))
            await on_message(message)

        # Any: Starlette's scope holds everything.
        whole_scope: dict[str, Any] = scope
        await self.app(whole_scope, receive, send)
        return status, bytes(content)
