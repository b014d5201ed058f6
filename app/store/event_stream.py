"""The live feed: one LISTEN connection, fanned out to all watchers.

Each watched deployment has one hub. When PostgreSQL notifies that the deployment has
news, the hub reads once, and all its watchers get the same piece. A waiting watcher
holds no connection, thread or buffer, only its position. A late or slow watcher reads
the pieces that the hub no longer has from the store.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Generic, Protocol, TypeVar

import psycopg

from app.errors import Unavailable
from app.log import get
from app.store import access_changes
from app.store.access_watch import AccessWatch, Allowed, Watcher, always
from app.store.engine import PATIENT
from app.store.events import CHANNEL
from app.supervise import keep_task, wait_for

log = get("feed")

#: Seconds after which a hub reads without a notification, since these may be lost.
LOOK_ANYWAY = 5.0
#: After a read, a hub rests for this many times the duration of the last two reads, the
#: shorter one, but not for more than these seconds: the busier the process, the more
#: lines come in one piece.
REST, MAX_REST = 2.0, 0.5
#: Maximum number of pieces that a hub keeps for its watchers, and of their bytes.
KEPT_PIECES = 64
KEPT_BYTES = 4 * 1024 * 1024
#: Seconds between two attempts to reach PostgreSQL.
RECONNECT = 1.0


class StreamPiece(Protocol):
    """News about one deployment: the rendered events above `after` up to `last`.

    Without events, both are equal and the piece has only the state. `more` says that
    further events exist, which the piece had no room for; `complete` that the
    deployment has ended and no piece follows. `size` is in bytes.
    """

    @property
    def after(self) -> int: ...  # noqa: D102 - described above, like the others
    @property
    def last(self) -> int: ...  # noqa: D102
    @property
    def more(self) -> bool: ...  # noqa: D102
    @property
    def complete(self) -> bool: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102


P = TypeVar("P", bound=StreamPiece)

#: Reads a piece: deployment id, `after` (None: only the state), and the last event
#: (None: the present).
Look = Callable[[int, int | None, int | None], P]


class Feed:
    """The watchers of this process; `listen` must run as a background task."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._hubs: dict[tuple[int, Any], _Hub[Any]] = {}
        self._watching = 0
        self._closed = False
        #: Ends the responses to clients that lose access.
        self.access = AccessWatch()

    @property
    def watching(self) -> int:
        """The number of clients that follow a deployment."""
        return self._watching

    async def listen(self) -> None:
        """Pass PostgreSQL's notifications on to the hubs until canceled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_task("news", self._pass_on_news))
            group.create_task(keep_task("revoked", self.access.run))

    async def follow(
        self,
        deployment_id: int,
        look: Look[P],
        after: int,
        allowed: Allowed = always,
    ) -> AsyncGenerator[P]:
        """Yield every event above `after`, exactly once and in order, until the last.

        The first piece comes immediately and has the state. While PostgreSQL is
        unavailable, the generator waits; other errors of `look` are raised. It ends
        soon after `allowed` returns False, which is called when sessions, tokens or
        roles change, and after `close`.
        """
        key = (deployment_id, look)
        hub = self._hubs.setdefault(key, _Hub(deployment_id, look))
        self._watching += 1
        hub.enter()
        try:
            with self.access.watch(allowed, hub.wake_watchers) as watcher:
                async for piece in hub.follow(after, watcher):
                    if watcher.revoked:
                        return
                    yield piece
                    if self._closed:
                        return
        finally:
            self._watching -= 1
            if hub.leave():
                del self._hubs[key]

    async def close(self) -> None:
        """End all generators, before the process stops."""
        self._closed = True
        for hub in list(self._hubs.values()):
            await hub.close()

    async def _pass_on_news(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (psycopg.Error, OSError) as error:
                log.warning("feed.disconnected", error=str(error).strip())
            await asyncio.sleep(RECONNECT)

    async def _listen_once(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._conninfo,
            autocommit=True,
            application_name="fastdeploy feed",
            **PATIENT,
        ) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            await connection.execute(f"LISTEN {access_changes.CHANNEL}")
            # Notifications may have been missed while disconnected.
            self.access.changed()
            for hub in self._hubs.values():
                hub.wake()
            async for notification in connection.notifies():
                if notification.channel == access_changes.CHANNEL:
                    self.access.changed()
                    continue
                for (deployment_id, _), hub in self._hubs.items():
                    if str(deployment_id) == notification.payload:
                        hub.wake()


class _Hub(Generic[P]):
    """Reads one deployment's news and publishes it to all its watchers."""

    def __init__(self, deployment_id: int, look: Look[P]) -> None:
        self._deployment_id = deployment_id
        self._look = look
        self._watchers = 0
        self._wakened = asyncio.Event()
        self._published = asyncio.Condition()
        self._pieces: deque[tuple[int, P]] = deque()
        self._bytes = 0
        self._version = 0
        #: The reads for watchers that are in progress.
        self._reads: dict[tuple[int, int, int | None], asyncio.Task[P]] = {}
        #: The number of the last published event; None before the first read.
        self._latest: int | None = None
        self._error: Exception | None = None
        self._closed = False
        self._pump: asyncio.Task[None] | None = None

    def enter(self) -> None:
        """Add a watcher; the first one starts the hub."""
        self._watchers += 1
        if self._pump is None:
            self._pump = asyncio.create_task(self._run())

    def leave(self) -> bool:
        """Remove a watcher; return whether it was the last, which stops the hub."""
        self._watchers -= 1
        if self._watchers == 0 and self._pump is not None:
            self._pump.cancel()
        return self._watchers == 0

    def wake(self) -> None:
        """Make the hub read again."""
        self._wakened.set()

    async def close(self) -> None:
        """End the generators of all watchers."""
        self._closed = True
        await self.wake_watchers()

    async def wake_watchers(self) -> None:
        """Make the watchers check whether they are revoked."""
        async with self._published:
            self._published.notify_all()

    async def follow(self, after: int, watcher: Watcher) -> AsyncIterator[P]:
        """Yield the pieces after `after` to one watcher."""
        # Pieces that were published before come from the store, the rest from the hub.
        place, last_version = after, self._version
        async for piece in self._from_store(place, self._latest):
            yield piece
            place = piece.last
            if piece.complete:
                return
        while not (watcher.revoked or self._closed):
            for version, published in await self._newer_than(last_version, watcher):
                last_version = version
                if published.after == place:
                    yield published
                elif published.last > place:
                    # The pieces in between were dropped, or the watcher's position is
                    # inside this one. It reads up to the end of this one.
                    async for piece in self._from_store(place, published.last):
                        yield piece
                        if piece.complete:
                            return
                place = max(place, published.last)
                if published.complete:
                    return

    async def _from_store(self, place: int, up_to: int | None) -> AsyncIterator[P]:
        """Yield the pieces after `place` up to `up_to` or the present; at least one."""
        while True:
            piece = await self._read_once(place, up_to)
            yield piece
            place = piece.last
            if not piece.more:
                return

    async def _read_once(self, after: int, up_to: int | None) -> P:
        """Read a piece, once for all watchers that need it at the same time."""
        # With the version, because a watcher misses what was published before it came:
        # its read must not have started before that.
        key = (self._version, after, up_to)
        if key not in self._reads:
            read = self._reads[key] = asyncio.create_task(self._ask(after, up_to))
            read.add_done_callback(lambda _: self._reads.pop(key))
            # Retrieve the exception, so that asyncio doesn't log it if all have left.
            read.add_done_callback(lambda done: done.cancelled() or done.exception())
        # Shielded: a watcher that leaves must not cancel the read of the others.
        return await asyncio.shield(self._reads[key])

    async def _newer_than(self, version: int, watcher: Watcher) -> list[tuple[int, P]]:
        def is_over() -> bool:
            return bool(self._error) or watcher.revoked or self._closed

        async with self._published:
            await self._published.wait_for(lambda: self._version > version or is_over())
        if self._error is not None:
            raise self._error
        return [item for item in self._pieces if item[0] > version]

    async def _run(self) -> None:
        """Read whenever there may be news, and publish the piece."""
        place: int | None = None
        took_before = math.inf
        now = asyncio.get_running_loop().time
        while True:
            self._wakened.clear()
            begun = now()
            try:
                piece = await self._ask(place)
            except Exception as error:  # noqa: BLE001 - raised again at each watcher
                self._error = error
            else:
                place = piece.last
                self._keep(piece)
            async with self._published:
                self._published.notify_all()
            if self._error is not None or piece.complete:
                return
            took = now() - begun
            if not piece.more:
                await asyncio.sleep(min(min(took, took_before) * REST, MAX_REST))
                await wait_for(self._wakened, LOOK_ANYWAY)
            took_before = took

    def _keep(self, piece: P) -> None:
        self._version += 1
        self._latest = piece.last
        self._pieces.append((self._version, piece))
        self._bytes += piece.size
        while len(self._pieces) > 1 and (
            len(self._pieces) > KEPT_PIECES or self._bytes > KEPT_BYTES
        ):
            self._bytes -= self._pieces.popleft()[1].size

    async def _ask(self, after: int | None, up_to: int | None = None) -> P:
        while True:
            try:
                return await asyncio.to_thread(
                    self._look, self._deployment_id, after, up_to
                )
            except Unavailable as error:
                log.warning("feed.unavailable", error=str(error))
                await asyncio.sleep(RECONNECT)
