"""Those who watch a deployment share the reads of its news."""

import asyncio

import pytest

from app.settings import Settings
from app.store import event_stream as feed_module
from app.store.store import Store
from app.usecases import record
from testing.factories import print_lines, start_deployment
from testing.feed import Numbers, listening, run, watch
from testing.waiting import PATIENCE


def test_a_hub_rests_between_two_reads(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that are printed in a short time are few pieces, and none is lost."""
    rest = 0.2
    monkeypatch.setattr(feed_module, "REST", PATIENCE * 1e6)
    monkeypatch.setattr(feed_module, "MAX_REST", rest)
    running = start_deployment(store, settings)

    async def main() -> None:
        async with listening(settings) as feed:
            look_at, now = Numbers(store), asyncio.get_running_loop().time
            begun = now()
            watcher = asyncio.create_task(watch(feed, look_at, running.id))
            for _ in range(30):
                await asyncio.to_thread(print_lines, store, running.id, "news")
            await asyncio.to_thread(record.finish, store, running.id, 0)

            assert [*range(1, running.last_event + 32)] == await watcher
            # The hub begins one read without a rest. The watcher reads where it begins,
            # and once more if the hub's first piece began before or after that.
            assert look_at.looks <= (now() - begun) / rest + 3

    run(main())


def test_viewers_who_come_at_the_same_time_read_once(
    store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)

    async def main() -> None:
        async with listening(settings) as feed:
            look_at = Numbers(store)
            watchers = [feed.follow(running.id, look_at, 0) for _ in range(50)]

            found = await asyncio.gather(*map(anext, watchers))

            assert [[*range(1, running.last_event + 1)]] * 50 == [
                piece.numbers for piece in found
            ]
            # Once for all of them, and once or twice in the hub.
            assert look_at.looks <= 3

    run(main())
