"""A response that is sent while its content is made, for those who follow a run."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import anyio
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

#: Seconds between two pings, which keep an idle response open behind proxies.
PING = 15.0
#: Seconds after which a client that reads no data is disconnected; it may reconnect.
SEND_TIMEOUT = 30.0


class Interrupted(Exception):
    """The content ends before it is complete; the client must not take it for that."""


class LiveResponse(StreamingResponse):
    """Sends each piece as soon as it is made.

    It ends early if its client disconnects or reads nothing for SEND_TIMEOUT seconds.
    Hundreds may be open, so each has two tasks only: one sends, one watches the client.
    """

    def __init__(
        self,
        content: AsyncGenerator[bytes],
        *,
        media_type: str,
        headers: Mapping[str, str] | None = None,
        ping: bytes = b"",
    ) -> None:
        """Make the response.

        Args:
            content: The pieces. It may raise Interrupted, and is closed at the end.
            media_type: The Content-Type.
            headers: Further headers.
            ping: What to send every PING seconds; empty to send nothing.
        """
        # X-Accel-Buffering: proxies must not buffer this response.
        live = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(content, 200, {**live, **(headers or {})}, media_type)
        self._content = content
        self._ping = ping
        #: When sending the present piece started, by the clock of the loop.
        self._sending_since: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        until_left = anyio.CancelScope()
        watching = asyncio.create_task(self._watch(receive, send, until_left))
        try:
            with until_left:
                if scope["method"] != "HEAD":
                    await self._send_all(send)
                await send(_message(b"", more=False))
        except Interrupted:
            # uvicorn then closes the connection without the end of the response.
            return
        finally:
            watching.cancel()
            # Shielded: when the server stops, it cancels this task.
            with anyio.CancelScope(shield=True):
                await self._content.aclose()

    async def _send_all(self, send: Send) -> None:
        now = asyncio.get_running_loop().time
        async for piece in self._content:
            self._sending_since = now()
            await send(_message(piece))
            self._sending_since = None

    async def _watch(
        self, receive: Receive, send: Send, until_left: anyio.CancelScope
    ) -> None:
        """Send pings until the client has left, then end the response."""
        while True:
            try:
                async with asyncio.timeout(min(PING, SEND_TIMEOUT)):
                    message = await receive()
            except TimeoutError:
                if not await self._is_reading(send):
                    break
            else:
                if message["type"] == "http.disconnect":
                    break
        until_left.cancel()

    async def _is_reading(self, send: Send) -> bool:
        """Return whether the client reads; send a ping if nothing else is sent."""
        since = self._sending_since
        if since is not None:
            return asyncio.get_running_loop().time() - since < SEND_TIMEOUT
        if not self._ping:
            return True
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await send(_message(self._ping))
        except TimeoutError:
            return False
        return True


def _message(content: bytes, *, more: bool = True) -> dict[str, object]:
    return {"type": "http.response.body", "body": content, "more_body": more}
