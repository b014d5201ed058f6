"""Make a thing once for all who ask for it at the same time."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

#: Things that are made at once; each takes a thread and a connection.
AT_ONCE = 2

T = TypeVar("T")


class SingleFlight:
    """Runs a function in a thread, once for all requests that wait for its result.

    A request that waits holds no thread. If its client goes away, the function goes on
    for the others.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        # Any: each key has the type of its own function.
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, function: Callable[[], T]) -> T:
        """Return what the function returns, or what it returns to another caller.

        `key` names what it makes. What the function raises, each caller gets.
        """
        task: asyncio.Task[T] | None = self._tasks.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key, function))
            self._tasks[key] = task
            # Read here, so that nothing warns of an error that no caller waits for.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, function: Callable[[], T]) -> T:
        try:
            async with self._places:
                return await run_in_threadpool(function)
        finally:
            del self._tasks[key]
