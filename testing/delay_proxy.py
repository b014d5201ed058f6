"""A TCP proxy that delays everything, as a distant host would.

    python -m testing.delay_proxy ROUND_TRIP LISTEN CONNECT [LISTEN CONNECT …]

ROUND_TRIP is in milliseconds, each address is HOST:PORT. It works for connections of
any length, such as those of ControlPersist, and doesn't limit the bandwidth. When it
listens, it prints a line. It ends when its standard input is closed.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from functools import partial

from testing.paths import ROOT

#: An address of a server: host and port.
Address = tuple[str, int]
_BLOCK = 1 << 16
#: Blocks that are on their way in one direction of a connection.
_BLOCKS = 1024


@contextmanager
def delaying(round_trip: float, routes: Mapping[Address, Address]) -> Iterator[int]:
    """Run a proxy in a process of its own; yield its id.

    Args:
        round_trip: The milliseconds that it adds to each round trip.
        routes: Where each address on which it listens leads.
    """
    addresses = [f"{host}:{port}" for route in routes.items() for host, port in route]
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(round_trip), *addresses],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            assert process.stdout.readline(), "the proxy has not started"
            yield process.pid
        finally:
            process.stdin.close()


async def serve(round_trip: float, routes: Mapping[Address, Address]) -> None:
    """Listen on all routes until standard input is closed; times are in seconds."""
    async with AsyncExitStack() as servers:
        for (host, port), target in routes.items():
            forward = partial(_forward, round_trip, target)
            server = await asyncio.start_server(forward, host, port, backlog=256)
            await servers.enter_async_context(server)
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


async def _forward(
    round_trip: float,
    target: Address,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Forward one connection in both directions."""
    # Here, the client's connection exists at once. Far away, the server would accept it
    # one and a half round trips after the client's first packet.
    await asyncio.sleep(1.5 * round_trip)
    # Python 3.11 prints a traceback for each connection that is canceled at the end.
    with suppress(OSError, asyncio.CancelledError):
        upstream, downstream = await asyncio.open_connection(*target)
        half = round_trip / 2
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_pipe(half, reader, downstream))
            tasks.create_task(_pipe(half, upstream, writer))
    writer.close()


async def _pipe(
    delay: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Write what is read, each block `delay` seconds later."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_BLOCKS)

    async def read() -> None:
        block = b"."
        while block:
            block = b""
            with suppress(OSError):
                block = await reader.read(_BLOCK)
            await waiting.put((loop.time() + delay, block))

    async def write() -> None:
        while True:
            due, block = await waiting.get()
            if (ahead := due - loop.time()) > 0:
                await asyncio.sleep(ahead)
            if not block:
                writer.close()
                return
            # If the receiver has gone, what is left is read and dropped.
            with suppress(OSError):
                writer.write(block)
                await writer.drain()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(read())
        tasks.create_task(write())


def main() -> None:
    """Run the proxy that the arguments describe."""
    round_trip, *named = sys.argv[1:]
    listen, connect = map(_address, named[::2]), map(_address, named[1::2])
    asyncio.run(
        serve(float(round_trip) / 1000, dict(zip(listen, connect, strict=True)))
    )


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    main()
