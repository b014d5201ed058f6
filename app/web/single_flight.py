"""Run a function once for concurrent callers with the same key."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

#: The number of functions that run at once; each takes a thread and a connection.
AT_ONCE = 2

T = TypeVar("T")


class SingleFlight:
    """Runs a function in a thread, once for all requests that wait for its result.

    A request that waits takes no thread. If its client disconnects, the function
    continues for the others.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        # Any: each key has the type of its own function.
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(
        self, key: Hashable, function: Callable[[], T], *, keep: float = 0
    ) -> T:
        """Run the function, or wait for a concurrent call with the same key.

        All callers get the same result or the same exception. A result, but not an
        exception, is kept for later callers for `keep` seconds.
        """
        task: asyncio.Task[T] | None = self._tasks.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key, function, keep))
            self._tasks[key] = task
            # Retrieve the exception, so that asyncio doesn't log it if all callers have
            # disconnected.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, function: Callable[[], T], keep: float) -> T:
        kept = False
        try:
            async with self._places:
                result = await run_in_threadpool(function)
            if keep:
                asyncio.get_running_loop().call_later(keep, self._tasks.pop, key)
                kept = True
            return result
        finally:
            if not kept:
                del self._tasks[key]
