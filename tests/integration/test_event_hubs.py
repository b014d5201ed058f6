"""The hubs of a process: watchers of one deployment share its reads."""

import asyncio

import pytest

from app.settings import Settings
from app.store import event_stream as feed_module
from app.store.store import Store
from app.usecases import record
from testing.factories import print_lines, start_deployment
from testing.feed import (
    Numbers,
    exhaust,
    listening,
    run,
    watch,
)


def test_a_watcher_that_fell_behind_reads_what_the_hub_has_dropped(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "KEPT_PIECES", 3)
    running = start_deployment(store, settings)

    async def main() -> None:
        async with listening(settings) as feed:
            look_at = Numbers(store)
            fast = asyncio.create_task(watch(feed, look_at, running.id))
            slow = feed.follow(running.id, look_at, 0)
            found = (await anext(slow)).numbers
            hub = feed._hubs[running.id, look_at]  # noqa: SLF001 - to know it has moved on
            for batch in range(20):
                before = hub._version  # noqa: SLF001
                await asyncio.to_thread(print_lines, store, running.id, f"{batch}")
                while hub._version == before:  # noqa: SLF001, ASYNC110 - it has no event
                    await asyncio.sleep(0.001)
            await asyncio.to_thread(record.finish, store, running.id, 0)
            everything = await fast

            assert len(hub._pieces) <= 3  # noqa: SLF001
            async for piece in slow:
                found += piece.numbers
            assert everything == found
            assert [*range(1, running.last_event + 22)] == found

    run(main())


def test_many_watchers_look_no_more_often_than_one(
    store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)

    async def main() -> None:
        async with listening(settings) as feed:
            look_at = Numbers(store)
            watchers = [feed.follow(running.id, look_at, 0) for _ in range(50)]
            for watcher in watchers:
                await anext(watcher)
            joined = look_at.looks
            rest = [asyncio.create_task(exhaust(watcher)) for watcher in watchers]
            for _ in range(20):
                await asyncio.to_thread(print_lines, store, running.id, "news")
            await asyncio.to_thread(record.finish, store, running.id, 0)
            await asyncio.gather(*rest)

            # Each of its own would be more than a thousand.
            assert look_at.looks - joined < 100

    run(main())


def test_who_leaves_takes_the_hub_along(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)

    async def main() -> None:
        async with listening(settings) as feed:
            look_at = Numbers(store)
            one, two = (feed.follow(running.id, look_at, 0) for _ in range(2))
            await anext(one)
            await anext(two)
            await one.aclose()
            assert 1 == len(feed._hubs)  # noqa: SLF001 - the claim
            await two.aclose()
            assert {} == feed._hubs  # noqa: SLF001

    run(main())
