"""Run loops until their process stops, whatever errors occur in them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.log import get

log = get("supervisor")

#: Seconds before a loop continues after an error.
PAUSE = 1.0


def keep(name: str, loop: Callable[[], None], stopping: threading.Event) -> None:
    """Call `loop` repeatedly, in a thread, until `stopping` is set."""
    while not stopping.is_set():
        try:
            loop()
        except Exception:  # the loop has to continue after any error
            log.exception("loop.failed", loop=name)
            stopping.wait(PAUSE)


async def keep_task(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Await `loop` repeatedly until this task is cancelled."""
    while True:
        try:
            await loop()
        except Exception:  # the loop has to continue after any error
            log.exception("loop.failed", loop=name)
        await asyncio.sleep(PAUSE)


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event with a timeout."""
    # Python 3.11's wait_for would lose a cancellation at the moment of the event.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
