"""Clients that read responses until their end."""

from collections.abc import Callable

import anyio
from starlette.applications import Starlette
from starlette.types import Message

from app.domain.deployment import Status
from app.store.store import Store
from app.usecases import deploy
from testing.asgi import Client
from testing.factories import print_lines
from testing.waiting import PATIENCE

#: An event stream for a script, one for a page, and followed output.
STREAMS = (
    "/api/v1/deployments/{}/events",
    "/deployments/{}/events",
    "/api/v1/deployments/{}/output?follow=1",
)


class Stream:
    """A client that reads a response until its end."""

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self._address = address
        self.status = 0
        self.content = b""
        self.ended = False
        self._arrived = anyio.Event()
        self._leave = anyio.Event()

    async def read(self) -> None:
        """Read until the end, or until the client leaves."""

        async def take(message: Message) -> None:
            self.status = message.get("status", self.status)
            self.content += message.get("body", b"")
            if self.content:
                self._arrived.set()
                self._arrived = anyio.Event()

        await self._client.request(self._address, on_message=take, leave=self._leave)
        self.ended = True
        self._arrived.set()

    async def wait_for(self, content: bytes) -> None:
        """Wait until something was received, or the end."""
        while content not in self.content or not self.content:
            if self.ended:
                return
            await self._arrived.wait()

    def leave(self) -> None:
        """Close the connection."""
        self._leave.set()


async def watch_until(
    webs: tuple[Starlette, ...],
    store: Store,
    number: int,
    theirs: tuple[str, str],
    others: str,
    revoke: Callable[[], object],
) -> list[Stream]:
    """Open streams in each process, revoke, and wait until they have ended.

    The stream of a client with the token `others` must get what is printed next.
    """
    token, session = theirs
    mine = [
        Stream(Client(web, token, session), address.format(number))
        for web in webs
        for address in STREAMS
    ]
    other = [Stream(Client(web, others), STREAMS[2].format(number)) for web in webs]
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as listening:
            for web in webs:
                listening.start_soon(web.state.deps.feed.listen)
            async with anyio.create_task_group() as reading:
                for stream in (*mine, *other):
                    reading.start_soon(stream.read)
                for stream in (*mine, *other):
                    await stream.wait_for(b"")
                async with anyio.create_task_group() as ending:
                    ending.start_soon(anyio.to_thread.run_sync, revoke)
                    for stream in mine:
                        ending.start_soon(stream.wait_for, b"never printed")
                assert Status.RUNNING is deploy.find(store, number).status
                await anyio.to_thread.run_sync(print_lines, store, number, "goes on")
                for stream in other:
                    await stream.wait_for(b"goes on")
                assert not any(stream.ended for stream in other)
                for stream in other:
                    stream.leave()
            listening.cancel_scope.cancel()
    return mine
