"""`GET …/output?follow=1`: plain text until the end, for clients that come and go."""

from collections.abc import Iterator

import anyio
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from app.bootstrap.web import make_web
from app.domain.access import Permission
from app.settings import Settings
from app.store.store import Store
from app.usecases import record, tokens
from app.web import live_response
from testing.asgi import Client
from testing.factories import ROOT, print_lines, start_deployment
from testing.web_client import ClientFor

DEADLINE = 60
#: What a hostile run prints: a header, a tag, an escape sequence, invalid UTF-8.
HOSTILE = ("HTTP/1.1 200 OK\r", "<script>alert(1)</script>", "\x1b]0;owned\x07", "ü")


@pytest.fixture
def app(settings: Settings) -> Iterator[Starlette]:
    app = make_web(settings)
    yield app
    app.state.deps.store.close()


@pytest.fixture
def client(app: Starlette, store: Store) -> Client:
    secret = tokens.create_token(store, ROOT, "reader", [Permission.VIEW])
    return Client(app, secret)


def test_it_is_sent_as_it_is_printed_and_ends_with_the_deployment(
    client: Client, store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    print_lines(store, running.id, "one")
    headers: dict[bytes, bytes] = {}

    async def main() -> tuple[int, bytes]:
        steps = iter((
            lambda: print_lines(store, running.id, *HOSTILE),
            lambda: record.finish(store, running.id, 0),
        ))  # fmt: skip

        async def on_message(message: Message) -> None:
            headers.update(message.get("headers", ()))
            # What is printed next, the client can't have yet.
            if message.get("body") and (step := next(steps, None)):
                await anyio.to_thread.run_sync(step)

        async with anyio.create_task_group() as group:
            group.start_soon(client.app.state.deps.feed.listen)
            with anyio.fail_after(DEADLINE):
                answer = await client.request(
                    f"/api/v1/deployments/{running.id}/output?follow=1",
                    on_message=on_message,
                )
            group.cancel_scope.cancel()
        return answer

    status, content = anyio.run(main)

    assert 200 == status
    assert ("one", *HOSTILE) == tuple(content.decode().split("\n"))[:-1]
    assert b"text/plain; charset=utf-8" == headers[b"content-type"]
    assert b"nosniff" == headers[b"x-content-type-options"]
    assert headers[b"content-disposition"].startswith(b"attachment")


@pytest.mark.parametrize("offset", [0, 1, 4, 5, 9, 13, 14, 10**12])
@pytest.mark.parametrize("follow", ["", "&follow=0", "&follow=1"])
def test_an_offset_leaves_out_that_number_of_bytes(
    client_for: ClientFor, store: Store, settings: Settings, offset: int, follow: str
) -> None:
    ended = start_deployment(store, settings)
    print_lines(store, ended.id, "über", "two", "end")
    record.finish(store, ended.id, 0)

    answer = client_for((Permission.VIEW,)).get(
        f"/api/v1/deployments/{ended.id}/output?offset={offset}{follow}"
    )

    assert 200 == answer.status_code
    assert "über\ntwo\nend\n".encode()[offset:] == answer.content


@pytest.mark.parametrize("leaves", ["disconnects", "reads nothing", "loses access"])
def test_a_client_that_leaves_is_no_longer_watched(
    client: Client, store: Store, settings: Settings,
    monkeypatch: pytest.MonkeyPatch, leaves: str,
) -> None:  # fmt: skip
    """It disconnects, reads nothing, or may no longer see the deployment."""
    if leaves == "reads nothing":
        monkeypatch.setattr(live_response, "SEND_TIMEOUT", 0.05)
    running = start_deployment(store, settings)
    print_lines(store, running.id, "one")
    feed = client.app.state.deps.feed
    complete = False

    async def main() -> None:
        leave = anyio.Event()

        async def on_message(message: Message) -> None:
            nonlocal complete
            complete = message.get("more_body") is False
            if not message.get("body"):
                return
            assert 1 == len(feed._hubs)  # noqa: SLF001 - it watches
            if leaves == "disconnects":
                leave.set()
            elif leaves == "reads nothing":
                await anyio.sleep_forever()
            else:
                revoke = tokens.revoke_token
                await anyio.to_thread.run_sync(revoke, store, ROOT, "reader")

        async with anyio.create_task_group() as group:
            group.start_soon(feed.listen)
            with anyio.fail_after(DEADLINE):
                await client.request(
                    f"/api/v1/deployments/{running.id}/output?follow=1",
                    on_message=on_message,
                    leave=leave,
                )
            group.cancel_scope.cancel()

    anyio.run(main)

    assert {} == feed._hubs  # noqa: SLF001 - the claim
    assert not complete


@pytest.mark.parametrize(
    ("query", "access", "status"),
    [
        ("follow=1", (), 403),
        ("follow=1", None, 401),
        ("follow=2", (Permission.VIEW,), 422),
        ("offset=-1", (Permission.VIEW,), 422),
        ("offset=x", (Permission.VIEW,), 422),
    ],
)
def test_who_may_not_see_the_output_or_asks_wrongly_is_refused(
    client_for: ClientFor, store: Store, settings: Settings, query: str,
    access: tuple[Permission, ...] | None, status: int,
) -> None:  # fmt: skip
    running = start_deployment(store, settings)

    answer = client_for(access).get(f"/api/v1/deployments/{running.id}/output?{query}")

    assert status == answer.status_code
