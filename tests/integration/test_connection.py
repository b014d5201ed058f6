"""Connections whose clients send nothing, or too slowly, are closed."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from app.sockets import listen
from app.web.connection import TimedConnection
from app.web.middleware import AnswerBugs, BodyLimit

#: Seconds within which a connection is closed that is to be closed.
DEADLINE = 60
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class ImpatientConnection(TimedConnection):
    HEADER_SECONDS = 0.2


async def slow_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer after a time that is longer than the one for a header."""
    await asyncio.sleep(2 * ImpatientConnection.HEADER_SECONDS)
    await PlainTextResponse("done")(scope, receive, send)


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    listener: socket.socket = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        slow_app, http=ImpatientConnection, log_config=None, lifespan="off",
        timeout_keep_alive=DEADLINE * 10,
    )  # fmt: skip
    serving = uvicorn.Server(config)
    task = asyncio.create_task(serving.serve([listener]))
    try:
        async with asyncio.timeout(DEADLINE):
            yield listener.getsockname()[1]
    finally:
        serving.should_exit = True
        await task


@pytest.mark.parametrize(
    "pieces",
    [[], [b"GET"], [REQUEST[:-2]], [bytes([byte]) for byte in REQUEST[:-2]]],
    ids=["nothing", "a-word", "half-a-header", "byte-by-byte"],
)
@pytest.mark.parametrize("before", [b"", REQUEST], ids=["first", "second"])
def test_a_request_that_does_not_come_closes_its_connection(
    pieces: list[bytes], before: bytes
) -> None:
    async def main() -> bytes:
        async with server() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(before)
            if before:
                await reader.readuntil(b"done")

            async def write() -> None:
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(ImpatientConnection.HEADER_SECONDS / 10)

            writing = asyncio.create_task(write())
            rest = b""
            # Bytes that are on their way when the server closes it reset it.
            with suppress(ConnectionResetError):
                rest = await reader.read()
            writing.cancel()
            writer.close()
            return rest

    assert b"" == asyncio.run(main())


def test_a_response_may_take_longer() -> None:
    async def main() -> bytes:
        async with server() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(2):
                writer.write(REQUEST)
                found = await reader.readuntil(b"done")
            writer.close()
            return found

    assert asyncio.run(main()).startswith(b"HTTP/1.1 200")


def test_a_body_that_does_not_come_is_refused() -> None:
    async def read_body(scope: Scope, receive: Receive, _: Send) -> None:
        await Request(scope, receive).body()

    async def never() -> dict[str, Any]:
        await anyio.sleep_forever()
        return {}

    async def main() -> None:
        limited = BodyLimit(read_body, seconds=0.05)
        with anyio.fail_after(DEADLINE):
            await limited({"type": "http"}, never, never)  # type: ignore[arg-type]

    with pytest.raises(Exception, match="did not arrive within"):
        anyio.run(main)


def test_a_client_that_waits_for_a_stream_is_not_refused() -> None:
    """Behind its body, nothing comes for as long as the stream goes on."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"x"},
        {"type": "http.disconnect"},
    ]

    async def wait(_: Scope, receive: Receive, __: Send) -> None:
        await receive()
        assert {"type": "http.disconnect"} == await receive()

    async def slow() -> dict[str, Any]:
        if len(messages) == 1:
            await anyio.sleep(0.2)
        return messages.pop(0)

    async def main() -> None:
        await BodyLimit(wait, seconds=0.05)({"type": "http"}, slow, slow)  # type: ignore[arg-type]

    anyio.run(main)
    assert [] == messages


def test_a_client_that_disconnects_during_its_request_is_not_an_error() -> None:
    async def read_body(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        raise AssertionError(send)

    async def fail(_: Request, error: Exception) -> PlainTextResponse:
        raise AssertionError from error

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    anyio.run(AnswerBugs(read_body, fail), {"type": "http"}, receive, send)

    assert [] == sent


def test_a_header_that_is_too_large_is_refused_before_it_is_in_memory() -> None:
    async def main() -> bytes:
        async with server() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(REQUEST[:-2] + b"X-Filler: " + b"x" * 80 * 1024)
            try:
                return await reader.read()
            finally:
                writer.close()

    answer = anyio.run(main)

    assert answer.startswith(b"HTTP/1.1 400 ")
