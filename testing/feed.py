"""Watch the live feed of a deployment."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from app.settings import Settings
from app.store.event_stream import Feed
from app.store.store import Store
from app.usecases.event_stream import News, look
from testing.waiting import PATIENCE


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[Feed]:
    """A feed with its LISTEN connection, for as long as the block lasts."""
    feed = Feed(settings.database)
    task = asyncio.create_task(feed.listen())
    try:
        async with asyncio.timeout(PATIENCE):
            yield feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end."""
    asyncio.run(main)


class Numbers:
    """A look that remembers, by last number, which events a piece has."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.looks = 0

    def __call__(
        self, deployment_id: int, after: int | None, up_to: int | None
    ) -> "NumberedPiece":
        """Look at the news of a deployment."""
        self.looks += 1
        return NumberedPiece(look(self._store, deployment_id, after, up_to))


class NumberedPiece:
    """A piece that knows the numbers of its events."""

    def __init__(self, news: News) -> None:
        self.after, self.last = news.after, news.last
        self.more, self.complete = news.more, news.complete
        self.numbers = [event.number for event in news.events]
        self.size = 1


async def watch(
    feed: Feed, look_at: Numbers, deployment_id: int, after: int = 0
) -> list[int]:
    """Follow to the end; the numbers that came, in their order."""
    found = []
    async for piece in feed.follow(deployment_id, look_at, after):
        found += piece.numbers
        last = piece
    assert last.complete
    return found


async def exhaust(pieces: AsyncIterator[NumberedPiece]) -> None:
    """Read the pieces to the end."""
    async for _ in pieces:
        pass


def cut_listeners(settings: Settings) -> None:
    """End the feed's connection in the server, once it is there."""
    with psycopg.connect(settings.database, autocommit=True) as server:
        cut = 0
        while not cut:
            cut = server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'fastdeploy feed' AND query LIKE 'LISTEN%'"
            ).rowcount
