"""End the responses to clients whose session, token or permission is revoked.

A response that takes long watches the access of its client. When PostgreSQL notifies
that sessions, tokens or roles have changed, and when one expires, every distinct access
is checked once, and the responses to those without it end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from app.batches import Batches
from app.errors import Unavailable
from app.log import get
from app.supervise import wait_for

log = get("access")

#: Seconds between two checks without a notification, since these may be lost.
CHECK_ANYWAY = 30.0
#: Seconds between two checks of a session or token that has expired by the clock of
#: this process, but not yet by that of PostgreSQL; also after PostgreSQL was away.
CHECK_AGAIN = 1.0

#: Checks in the store whether a watcher still has permission; raises Unavailable. Equal
#: ones are called once.
Allowed = Callable[[], bool]
#: Called once when the permission is revoked.
OnRevoked = Callable[[], Awaitable[None]]


def always() -> bool:
    """Allow a client of the command line, which nobody can revoke."""
    return True


class Watcher:
    """A response that ends when its client loses access."""

    def __init__(
        self, allowed: Allowed, on_revoked: OnRevoked, expires_at: datetime | None
    ) -> None:
        self.allowed = allowed
        self.on_revoked = on_revoked
        self.expires_at = expires_at
        self.revoked = False
        self._timer: asyncio.TimerHandle | None = None

    def call_when_expired(self, check: Callable[[], None]) -> None:
        """Call a function when the access expires, or soon if it has expired."""
        if self.expires_at is not None:
            left = (self.expires_at - datetime.now(UTC)).total_seconds()
            wait = left if left > 0 else CHECK_AGAIN
            self._timer = asyncio.get_running_loop().call_later(wait, check)

    @property
    def expired(self) -> bool:
        """Whether the access has expired by the clock of this process."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)

    def cancel(self) -> None:
        """Cancel the call."""
        if self._timer is not None:
            self._timer.cancel()


class AccessWatch:
    """The watchers of this process; `run` must run as a background task."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._changed = asyncio.Event()
        self._checks: Batches[Allowed, bool] = Batches(_check)

    async def allows(self, allowed: Allowed) -> bool:
        """Check an access; other callers' checks run with it. Raises Unavailable."""
        return await self._checks.run(allowed)

    def changed(self) -> None:
        """Check every watcher soon."""
        self._changed.set()

    @contextmanager
    def watch(
        self,
        allowed: Allowed,
        on_revoked: OnRevoked,
        expires_at: datetime | None = None,
    ) -> Iterator[Watcher]:
        """Watch an access during the block, which isn't checked at its start."""
        watcher = Watcher(allowed, on_revoked, expires_at)
        self._watchers.add(watcher)
        watcher.call_when_expired(self.changed)
        try:
            yield watcher
        finally:
            watcher.cancel()
            self._watchers.discard(watcher)

    async def run(self) -> None:
        """Revoke the watchers that lose access, until canceled."""
        while True:
            await wait_for(self._changed, CHECK_ANYWAY)
            self._changed.clear()
            try:
                await self._check()
            except Unavailable as error:
                log.warning("access.unavailable", error=str(error))
                await asyncio.sleep(CHECK_AGAIN)
                self._changed.set()

    async def _check(self) -> None:
        watchers = [watcher for watcher in self._watchers if not watcher.revoked]
        for watcher in await asyncio.to_thread(_without_access, watchers):
            watcher.revoked = True
            await watcher.on_revoked()
        for watcher in self._watchers:
            if watcher.expired and not watcher.revoked:
                watcher.cancel()
                watcher.call_when_expired(self.changed)


def _without_access(watchers: list[Watcher]) -> list[Watcher]:
    answers = _check([watcher.allowed for watcher in watchers])
    return [
        watcher
        for watcher, allowed in zip(watchers, answers, strict=True)
        if not allowed
    ]


def _check(accesses: Sequence[Allowed]) -> list[bool]:
    """Call the check of each access; equal ones once."""
    answers = {allowed: allowed() for allowed in set(accesses)}
    return [answers[allowed] for allowed in accesses]
