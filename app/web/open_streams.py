"""Limit the streams and downloads that an actor has open at a time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.access import Actor
from app.errors import TooManyRequests


class OpenStreams:
    """Counts the responses of each actor that take long, in this process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[str] = Counter()

    @contextmanager
    def hold(self, actor: Actor) -> Iterator[None]:
        """Count a response during the block. Raises TooManyRequests."""
        if self._open[actor.key_owner] >= self._limit:
            raise TooManyRequests(
                f"too many open streams and downloads: {self._limit} are allowed; "
                "close others first",
                retry_after=5,
            )
        self._open[actor.key_owner] += 1
        try:
            yield
        finally:
            self._open[actor.key_owner] -= 1
            if not self._open[actor.key_owner]:
                del self._open[actor.key_owner]
