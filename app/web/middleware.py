"""Middleware: request ids, security headers, unexpected errors, limits of the body."""

import math
import re
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The maximum number of bytes of a request's body.
MAX_BODY = 1024 * 1024
#: Seconds within which the whole body must arrive.
BODY_SECONDS = 30.0


def content_policy(form_targets: str = "'self'") -> str:
    """Return a Content-Security-Policy; forms may be sent and redirect to targets."""
    return (
        "default-src 'self'; base-uri 'none'; object-src 'none'; "
        f"form-action {form_targets}; frame-ancestors 'none'"
    )


_HEADERS = {
    "Content-Security-Policy": content_policy(),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


#: An X-Request-Id that is used, such as a UUID.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
#: A traceparent of W3C Trace Context, with the id of the trace.
_TRACEPARENT = re.compile(
    r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}.*"
)


class RequestId:
    """Adds an id to the log lines and the response of each request.

    It is the header X-Request-Id of the request if that is well-formed, such as the id
    that a proxy has logged, otherwise a new one. The log lines also get the ids of the
    trace and the span in the header traceparent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex[:16]
        ids = {"request": request_id}
        if trace := _TRACEPARENT.fullmatch(headers.get("traceparent", "")):
            ids |= {"trace": trace[1], "span": trace[2]}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(**ids):
            await self._app(scope, receive, send_with_id)


class SecurityHeaders:
    """Adds the security headers to each response."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                # Pages are for one user only. Built files set their own value.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class AnswerBugs:
    """Answers unexpected errors, inside of the middleware that adds headers.

    Starlette handles them outside of it: its response wouldn't have the headers.
    """

    def __init__(
        self, app: ASGIApp, answer: Callable[[Request, Exception], Awaitable[Response]]
    ) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            # The client disconnected before it had sent its whole request.
            return
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            response = await self._answer(Request(scope), error)
            await response(scope, receive, send)


class BodyLimit:
    """Rejects a body of more than MAX_BODY bytes before it is in memory.

    It also rejects a body that takes longer than `seconds` to arrive.
    """

    def __init__(self, app: ASGIApp, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        received, complete = 0, False
        deadline = 0.0

        async def limited() -> MutableMapping[str, Any]:
            nonlocal received, complete, deadline
            # Start at the first read: the request may have waited for a connection.
            deadline = deadline or anyio.current_time() + self._seconds
            # After the body, `receive` waits for the client to disconnect.
            end = math.inf if complete else deadline
            try:
                with anyio.fail_after(end - anyio.current_time()):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    408, f"the body did not arrive within {self._seconds:g} seconds"
                ) from None
            complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise HTTPException(
                    413, f"the request body is limited to {MAX_BODY} bytes"
                )
            return message

        await self._app(scope, limited if scope["type"] == "http" else receive, send)
