"""Responses of a revoked access that are sent, downloaded or checked just then."""

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Message

from app.domain.access import Permission
from app.errors import NotLoggedIn
from app.settings import Settings
from app.store import access_watch, output
from app.store.access_watch import AccessWatch
from app.store.store import Store
from app.usecases import auth, record, tokens
from app.web.revocation import until_revoked
from testing.asgi import Client
from testing.factories import (
    ROOT,
    make_runner_line,
    print_lines,
    record_lines,
    start_deployment,
)
from testing.waiting import PATIENCE

HOUR = timedelta(hours=1)
SCOPES = (Permission.DEPLOY, Permission.VIEW)
LINES = [f"line {number} {'x' * 200}" for number in range(output.MAX_EVENTS + 500)]


@pytest.mark.parametrize(
    "address",
    [
        "/deployments/{}/output",
        "/api/v1/deployments/{}/artifacts.tar.gz",
        "/api/v1/deployments/{}/artifacts/stdout",
    ],
)
def test_a_download_is_broken_off_although_its_client_reads_nothing(
    store: Store, settings: Settings, webs: tuple[Starlette, Starlette], address: str
) -> None:
    running = start_deployment(store, settings)
    record_lines(store, running.id, make_runner_line(stdout=""))
    print_lines(store, running.id, *LINES)
    record.finish(store, running.id, 0)
    token = tokens.create_token(store, ROOT, "ci", SCOPES)
    complete = True

    async def main() -> None:
        nonlocal complete

        async def read_nothing_more(message: Message) -> None:
            nonlocal complete
            if message.get("body"):
                complete = not message.get("more_body", False)
                await anyio.to_thread.run_sync(tokens.revoke_token, store, ROOT, "ci")
                await anyio.sleep_forever()

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as listening:
                listening.start_soon(webs[0].state.deps.feed.listen)
                client = Client(webs[0], token)
                await client.request(
                    address.format(running.id), on_message=read_nothing_more
                )
                listening.cancel_scope.cancel()

    anyio.run(main)

    assert not complete


def test_a_response_that_was_made_while_its_access_was_revoked_is_not_sent(
    store: Store, webs: tuple[Starlette, Starlette]
) -> None:
    token = tokens.create_token(store, ROOT, "ci", SCOPES)
    headers = [(b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "headers": headers, "app": webs[0], "path": "/"}
    request = Request(scope)
    request.state.actor = auth.by_token(store, token)
    sent: list[Message] = []

    async def receive() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        response = until_revoked(request, StreamingResponse(iter([b"content"])))
        tokens.revoke_token(store, ROOT, "ci")
        with pytest.raises(NotLoggedIn):
            await response(scope, receive, send)

    anyio.run(main)

    assert [] == sent


def test_an_expired_access_is_checked_until_postgresql_agrees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock of PostgreSQL may be behind that of the web process."""
    monkeypatch.setattr(access_watch, "CHECK_ANYWAY", PATIENCE * 2)
    monkeypatch.setattr(access_watch, "CHECK_AGAIN", 0.01)
    checks = iter([True, True, False])

    async def main() -> None:
        access, revoked = AccessWatch(), asyncio.Event()

        async def on_revoked() -> None:
            revoked.set()

        task = asyncio.create_task(access.run())
        expired = datetime.now(UTC) - HOUR
        async with asyncio.timeout(PATIENCE):
            with access.watch(lambda: next(checks), on_revoked, expired) as watcher:
                await revoked.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert watcher.revoked

    asyncio.run(main())

    assert [] == list(checks)


def test_streams_with_one_token_are_checked_once() -> None:
    """A thousand streams of a few users must not take a thousand queries."""
    checks = 0

    def allowed() -> bool:
        nonlocal checks
        checks += 1
        return False

    async def main() -> None:
        access, revoked, ended = AccessWatch(), 0, asyncio.Event()

        async def on_revoked() -> None:
            nonlocal revoked
            revoked += 1
            if revoked == 100:
                ended.set()

        task = asyncio.create_task(access.run())
        with ExitStack() as open_streams:
            for _ in range(100):
                open_streams.enter_context(access.watch(allowed, on_revoked))
            access.changed()
            async with asyncio.timeout(PATIENCE):
                await ended.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())

    assert 1 == checks
