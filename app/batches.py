"""Collect what concurrent tasks need, and do it together."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """Calls a function with the items of all callers that wait, one call at a time.

    So however many callers there are, they take one thread and one connection. A call
    begins after the last of its items came.
    """

    def __init__(self, function: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        """Make it; the function runs in a thread, and returns each item's result."""
        self._function = function
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._working: asyncio.Task[None] | None = None

    async def run(self, item: Item) -> Result:
        """Return the result of an item; raise what the function raised for all."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        result: Result = await future
        return result

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._run_batch(batch)
        finally:
            self._working = None

    async def _run_batch(
        self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]
    ) -> None:
        try:
            results = await asyncio.to_thread(
                self._function, [item for item, _ in batch]
            )
        except Exception as error:  # noqa: BLE001 - raised again at each caller
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            # The caller may have been canceled.
            if not future.done():
                future.set_result(result)
