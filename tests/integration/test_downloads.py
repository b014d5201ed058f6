"""Responses that are made while they are sent hold nothing that others need."""

import io
import tarfile
from collections.abc import Generator, Iterator

import anyio
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool
from starlette.applications import Starlette
from starlette.types import Message, Send

from app.bootstrap.web import make_web
from app.domain.access import Permission
from app.errors import Busy, Conflict
from app.settings import Settings
from app.store import events, output
from app.store.store import Store
from app.usecases import output as outputs
from app.usecases import record, tokens
from app.web.app import ROUTES
from app.web.download import Download
from app.web.routing import AppRoute
from testing.asgi import Client, take
from testing.factories import (
    ROOT,
    make_runner_line,
    print_lines,
    record_lines,
    start_deployment,
)
from testing.routes import fill_path

#: Seconds within which everything here happens.
DEADLINE = 60
LINES = [f"line {number} {'x' * 200}" for number in range(output.MAX_EVENTS + 500)]
EVENT = make_runner_line(stdout="")
PRINTED = EVENT + b"\n" + "".join(f"{line}\n" for line in LINES).encode()


@pytest.fixture
def app(settings: Settings) -> Iterator[Starlette]:
    app = make_web(settings)
    yield app
    app.state.deps.store.close()


@pytest.fixture
def client(app: Starlette, store: Store) -> Client:
    secret = tokens.create_token(store, ROOT, "reader", tuple(Permission))
    return Client(app, secret)


@pytest.fixture
def ended(store: Store, settings: Settings) -> int:
    """A deployment that has ended, and printed more than one piece."""
    running = start_deployment(store, settings)
    record_lines(store, running.id, EVENT)
    print_lines(store, running.id, *LINES)
    record.finish(store, running.id, 0)
    return running.id


def test_no_response_is_sent_within_a_transaction(client: Client, ended: int) -> None:
    pool = client.app.state.deps.store.engine.pool
    assert isinstance(pool, QueuePool)
    failed: list[str] = []
    messages = 0

    async def look_at_all() -> None:
        for route in ROUTES:
            address = fill_path(route.path, number=str(ended), text="stdout")

            async def all_returned(_: Message, route: AppRoute = route) -> None:
                """Wait until every connection is back; a hub may just be looking."""
                nonlocal messages
                messages += 1
                with anyio.move_on_after(DEADLINE / 2) as waiting:
                    while pool.checkedout():  # noqa: ASYNC110 - threads return them
                        await anyio.sleep(0.01)
                if waiting.cancelled_caught:
                    failed.append(route.path)

            with anyio.fail_after(DEADLINE):
                await client.request(address, route.method, on_message=all_returned)

    anyio.run(look_at_all)

    assert [] == failed
    assert messages > 2 * len(ROUTES)


def test_slow_readers_leave_the_connections_to_others(
    client: Client, ended: int
) -> None:
    pool = client.app.state.deps.store.engine.pool
    assert isinstance(pool, QueuePool)
    readers = pool.size() + 10
    found: dict[str, int] = {}

    async def read_slowly() -> None:
        waiting, all_wait, go_on = 0, anyio.Event(), anyio.Event()

        async def hold_back(message: Message) -> None:
            nonlocal waiting
            if message.get("body"):
                waiting += 1
                if waiting == readers:
                    all_wait.set()
                await go_on.wait()

        async def download() -> None:
            address = f"/api/v1/deployments/{ended}/output"
            _, content = await client.request(address, on_message=hold_back)
            assert PRINTED == content

        async with anyio.create_task_group() as group:
            for _ in range(readers):
                group.start_soon(download)
            await all_wait.wait()
            for address in ("/api/v1/deployments", "/readyz", f"/deployments/{ended}"):
                found[address], _ = await client.request(address)
            go_on.set()

    async def within_deadline() -> None:
        with anyio.fail_after(DEADLINE):
            await read_slowly()

    anyio.run(within_deadline)

    assert [200] * 3 == list(found.values()), found


@pytest.mark.parametrize("body", [None, b"1"], ids=["at-the-start", "after-a-piece"])
def test_a_download_is_closed_when_its_client_goes(body: bytes | None) -> None:
    closed: list[bool] = []

    def content() -> Generator[bytes]:
        try:
            while True:
                yield b"1"
        finally:
            closed.append(True)

    async def leave_early() -> None:
        gone = anyio.Event()

        async def go(message: Message) -> None:
            if message.get("body") == body:
                gone.set()
                await anyio.sleep_forever()

        places = anyio.Semaphore(1)
        response = Download(content(), places, name="x", media_type="text/plain")
        client = Client(response, "")  # type: ignore[arg-type] # another ASGI app
        with anyio.fail_after(DEADLINE):
            await client.request("/", on_message=go, leave=gone)

    anyio.run(leave_early)

    assert ([True] if body else []) == closed


def test_a_download_that_is_being_sent_holds_no_place() -> None:
    places = anyio.Semaphore(1)
    ended: list[str] = []

    def content() -> Generator[bytes]:
        yield from (b"1", b"2")

    async def send_both() -> None:
        sending, other_ended = anyio.Event(), anyio.Event()

        async def wait(_: Message) -> None:
            sending.set()
            await other_ended.wait()

        async def download(name: str, on_message: Send) -> None:
            response = Download(content(), places, name="x", media_type="text/plain")
            client = Client(response, "")  # type: ignore[arg-type] # another ASGI app
            await client.request("/", on_message=on_message)
            ended.append(name)

        with anyio.fail_after(DEADLINE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(download, "slow", wait)
                await sending.wait()
                await download("fast", take)
                other_ended.set()

    anyio.run(send_both)

    assert ["fast", "slow"] == ended


def test_archive_and_output_are_whole_over_many_pieces(
    client: Client, ended: int
) -> None:
    pieces: list[bytes] = []

    async def count(message: Message) -> None:
        pieces.append(message.get("body", b""))

    async def download() -> tuple[bytes, bytes]:
        place = f"/api/v1/deployments/{ended}"
        _, text = await client.request(f"{place}/output", on_message=count)
        _, archive = await client.request(f"{place}/artifacts.tar.gz", on_message=take)
        return text, archive

    text, archive = anyio.run(download)

    assert PRINTED == text
    assert max(map(len, pieces)) < 2 * output.MAX_BYTES
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        stdout = tar.extractfile(f"hello-{ended}/stdout")
        assert stdout is not None
        # The event has no text to display.
        assert EVENT + b"\n" + stdout.read() == PRINTED


def test_a_large_event_is_a_piece_by_itself(store: Store, settings: Settings) -> None:
    number = start_deployment(store, settings).id
    large = "y" * (output.MAX_BYTES + 1)
    print_lines(store, number, "small", large, large, "small")

    sizes = [len(piece) for piece in outputs.whole(store, number)]

    assert [len(large) + len("small") + 2, len(large) + 1, len("small") + 1] == sizes


def test_a_download_fails_when_its_output_is_removed_meanwhile(
    store: Store, ended: int
) -> None:
    """It must not end as if it were whole."""
    pieces = outputs.whole(store, ended)
    next(pieces)
    with store.begin() as db:
        events.delete_some(db, ended, output.MAX_EVENTS + 10)

    with pytest.raises(Conflict, match="was removed while it was read"):
        next(pieces)


def test_a_full_pool_is_not_called_an_outage(database_url: str) -> None:
    address = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    full = create_engine(address, pool_size=1, max_overflow=0, pool_timeout=0.01)
    store = Store(full)

    with store.begin(), pytest.raises(Busy, match="connections of this process"):
        store.begin().__enter__()

    store.close()
