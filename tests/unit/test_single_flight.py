"""A thing is made once for all who ask for it at the same time."""

import asyncio
import threading

import pytest

from app.web.single_flight import SingleFlight


def test_those_who_ask_at_once_share_one_call() -> None:
    go_on = threading.Event()
    calls: list[int] = []

    def make() -> int:
        calls.append(1)
        assert go_on.wait(60)
        return len(calls)

    async def main() -> list[int]:
        flight = SingleFlight()
        asked = [asyncio.create_task(flight.run("a", make)) for _ in range(50)]
        await asyncio.sleep(0)
        go_on.set()
        together = await asyncio.gather(*asked)
        # Later ones get it made again: nothing is kept.
        return [*together, await flight.run("a", make)]

    assert [1] * 50 + [2] == asyncio.run(main())


def test_a_caller_who_leaves_takes_it_from_nobody() -> None:
    go_on = threading.Event()

    def make() -> str:
        assert go_on.wait(60)
        return "made"

    async def main() -> str:
        flight = SingleFlight()
        first = asyncio.create_task(flight.run("a", make))
        second = asyncio.create_task(flight.run("a", make))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go_on.set()
        return await second

    assert "made" == asyncio.run(main())


def test_an_error_reaches_each_caller_and_is_not_kept() -> None:
    async def main() -> None:
        flight = SingleFlight()
        asked = [flight.run("a", lambda: 1 // 0) for _ in range(3)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [ZeroDivisionError] * 3 == [type(error) for error in found]
        assert 1 == await flight.run("a", lambda: 1)

    asyncio.run(main())


def test_a_result_is_kept_for_as_long_as_asked_and_an_error_is_not() -> None:
    calls: list[int] = []

    def make() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError
        return len(calls)

    async def main() -> list[int]:
        flight = SingleFlight()
        with pytest.raises(ValueError):  # noqa: PT011 - it has no message
            await flight.run("a", make, keep=3600)
        kept = [await flight.run("a", make, keep=3600) for _ in range(2)]
        await flight.run("b", make, keep=0.001)
        expired = asyncio.Event()
        asyncio.get_running_loop().call_later(0.002, expired.set)
        await expired.wait()
        return [*kept, await flight.run("b", make)]

    assert [2, 2, 4] == asyncio.run(main())
