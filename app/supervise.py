"""Loops that go on for as long as their process, whatever goes wrong in them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from app.log import get

log = get("supervisor")

#: Seconds before a loop that failed goes on.
PAUSE = 1.0


def keep(name: str, loop: Callable[[], None], stopping: threading.Event) -> None:
    """Call `loop` again and again, in a thread, until `stopping` is set."""
    while not stopping.is_set():
        try:
            loop()
        except Exception:  # what it keeps alive needs it after any error
            log.exception("loop.failed", loop=name)
            stopping.wait(PAUSE)


async def keep_task(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Await `loop` again and again, until this task is cancelled."""
    while True:
        try:
            await loop()
        except Exception:  # what it does is needed after any error
            log.exception("loop.failed", loop=name)
        await asyncio.sleep(PAUSE)
