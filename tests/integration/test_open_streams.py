"""The limit of open streams, which web processes share."""

import anyio
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from app.domain.access import Actor, Permission
from app.errors import TooManyRequests
from app.settings import Settings
from app.store.store import Store
from app.usecases import open_streams, tokens
from app.web.guard import OPENED_AT_ONCE
from app.web.open_streams import OpenStreams
from testing.asgi import Client
from testing.factories import ROOT, start_deployment
from testing.statements import listening
from testing.waiting import PATIENCE, eventually

ADA, BOB = Actor("ada", frozenset()), Actor("bob", frozenset())


def rows(store: Store) -> list[tuple[str, bool]]:
    """Return the owner of each row, and whether it counts."""
    asked = "SELECT owner, held_until > now() FROM open_streams ORDER BY owner"
    with store.begin() as db:
        return [(owner, counts) for owner, counts in db.execute(text(asked))]


def waiting(store: Store) -> int:
    """Return the number of locks that transactions wait for."""
    with store.engine.begin() as db:
        asked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return int(db.execute(text(asked)).scalar_one())


def let_expire(store: Store) -> None:
    """Let the lease of each row pass."""
    with store.begin() as db:
        db.execute(text("UPDATE open_streams SET held_until = now()"))


def test_processes_count_the_streams_of_an_actor_together(store: Store) -> None:
    one, two = OpenStreams(store, 1), OpenStreams(store, 1)

    async def main() -> None:
        async with one.hold(ADA):
            async with two.hold(BOB):
                pass
            with pytest.raises(TooManyRequests, match="close others") as refused:
                async with two.hold(ADA):
                    pass
            assert 5 == refused.value.retry_after
        async with two.hold(ADA):
            assert [(ADA.key_owner, True)] == rows(store)

    anyio.run(main)

    assert [] == rows(store)


def test_a_canceled_stream_counts_no_more(store: Store) -> None:
    streams = OpenStreams(store, 1)

    async def main() -> None:
        with anyio.CancelScope() as scope:
            async with streams.hold(ADA):
                scope.cancel()
                await anyio.sleep_forever()

    anyio.run(main)

    assert [] == rows(store)


def test_streams_that_begin_and_end_at_once_share_a_few_statements(
    store: Store,
) -> None:
    streams = OpenStreams(store, 20)
    refused: list[Actor] = []
    counted: list[list[tuple[str, bool]]] = []

    async def open_one(actor: Actor, leave: anyio.Event) -> None:
        try:
            async with streams.hold(actor):
                await leave.wait()
        except TooManyRequests:
            refused.append(actor)

    async def main() -> None:
        leave = anyio.Event()
        async with anyio.create_task_group() as opening:
            for actor in [ADA, BOB] * 30:
                opening.start_soon(open_one, actor, leave)
            await anyio.to_thread.run_sync(eventually, lambda: len(refused) == 20)
            counted.append(rows(store))
            leave.set()

    with listening(store.engine) as log:
        anyio.run(main)

    assert [("ada", True)] * 20 + [("bob", True)] * 20 == counted[0]
    assert [ADA, BOB] * 10 == refused
    assert [] == rows(store)
    assert len(log.statements) < 20


def test_the_streams_of_a_process_that_reports_no_more_do_not_count(
    store: Store,
) -> None:
    [_, refused] = open_streams.add(store, 1, ["ada", "ada"])
    assert refused is None
    let_expire(store)

    [added] = open_streams.add(store, 1, ["ada"])
    open_streams.prune(store)

    assert added is not None

    assert [("ada", True)] == rows(store)


def test_a_process_that_reports_its_streams_extends_and_restores_them(
    store: Store,
) -> None:
    kept, lost = open_streams.add(store, 1, ["ada", "bob"])
    assert kept
    assert lost
    let_expire(store)
    open_streams.remove(store, [lost])

    open_streams.extend(store, {kept: "ada", lost: "bob"})

    assert [("ada", True), ("bob", True)] == rows(store)


@pytest.mark.parametrize("what", ["events", "output?follow=1"])
def test_other_requests_do_not_wait_for_streams_that_are_opened(
    store: Store, settings: Settings, webs: tuple[Starlette, Starlette], what: str
) -> None:
    running = start_deployment(store, settings)
    token = tokens.create_token(store, ROOT, "ci", [Permission.VIEW])
    client = Client(webs[0], token)
    address = f"/api/v1/deployments/{running.id}/{what}"

    async def main() -> int:
        threads = anyio.to_thread.current_default_thread_limiter()
        threads.total_tokens = OPENED_AT_ONCE + 1
        async with anyio.create_task_group() as opening:
            for _ in range(10):
                opening.start_soon(client.request, address)
            await anyio.to_thread.run_sync(eventually, lambda: waiting(store) >= 2)
            with anyio.fail_after(PATIENCE):
                status, _ = await client.request("/api/v1/account")
            opening.cancel_scope.cancel()
            lock.rollback()
        return status

    with store.engine.connect() as lock:
        lock.execute(text("LOCK TABLE deployments"))
        assert 200 == anyio.run(main)
