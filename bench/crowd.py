"""(f) 300 SSE clients of one deployment that prints 1,000 lines a second.

`python -m bench.crowd PORT TOKEN ID GO` runs the clients in a separate process. They
read raw sockets, so that FastDeploy gets the processor time, not the clients.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench.rows import PATIENCE, row
from testing.supervised import SupervisedInstallation, temporary_installation

CLIENTS = 300
RATE = 1000
SECONDS = 20
#: Waits for the file in the variable `go`, then prints at a fixed rate by the clock; it
#: catches up after a delay.
_PROGRAM = f"""\
#!/usr/bin/env python3
import json, os, sys, time
with open(sys.argv[sys.argv.index("--config") + 1]) as file:
    go = json.load(file)["context"]["variables"]["go"]
while not os.path.exists(go):
    time.sleep(0.05)
begun = time.monotonic()
for number in range({RATE * SECONDS}):
    ahead = begun + number / {RATE} - time.monotonic()
    if ahead > 0:
        time.sleep(ahead)
    print("at", time.time_ns(), flush=True)
"""
_END = re.compile(rb"\r\n\r\n")
_NUMBER = re.compile(rb' id="e(\d+)"')
_AT = re.compile(rb"\bat (\d{15,})")


def measure(rounds: int) -> list[Any]:
    """Measure the milliseconds from printing a line until each client has it."""
    with temporary_installation("worker", "web") as here:
        variables = {"type": "object", "properties": {"go": {"type": "string"}}}
        here.write_files("crowd", {"deploy.py": _PROGRAM}, deploy_script="deploy.py",
                         variables=variables)  # fmt: skip
        found = [_round(here, number) for number in range(rounds)]
    late = median(one["p99"] for one in found)
    complete = all(one["complete"] == CLIENTS for one in found)
    return [
        row(
            f"ms from journal to {CLIENTS} SSE clients at {RATE} lines/s, p99",
            late,
            "under 1000, every client complete",
            holds=late < 1000 and complete,
            median=median(one["median"] for one in found),
            longest=max(one["longest"] for one in found),
            complete_clients=[one["complete"] for one in found],
            lines_each=[one["lines"] for one in found],
            lines_per_second=[one["rate"] for one in found],
            pieces_each=[one["pieces"] for one in found],
            web_cpu_seconds=[one["web_cpu"] for one in found],
            crowd_cpu_seconds=[one["cpu"] for one in found],
        )
    ]


def _round(here: SupervisedInstallation, number: int) -> Any:
    go = here.settings.var / f"go-{number}"
    deployment = here.launch("crowd", go=str(go))
    token = here.api.headers["Authorization"]
    before = _cpu(here.processes["web"].pid)
    done = subprocess.run(
        [sys.executable, "-m", "bench.crowd", str(here.settings.port), token,
         str(deployment), str(go)],
        check=True,
        stdout=subprocess.PIPE,
        timeout=PATIENCE,
    )  # fmt: skip
    found = json.loads(done.stdout)
    found["web_cpu"] = round(_cpu(here.processes["web"].pid) - before, 1)
    return found


def _cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@dataclass(frozen=True)
class _Piece:
    """A parsed message of the stream: the numbers of events and the times of lines."""

    numbers: tuple[int, ...]
    times: tuple[int, ...]
    #: Whether it is the last message of the stream, or one with the status.
    end: bool
    state: bool


#: All clients receive the same bytes, so each message is parsed once.
_known: dict[bytes, _Piece] = {}


def _piece(message: bytes) -> _Piece:
    found = _known.get(message)
    if found is None:
        found = _known[message] = _Piece(
            tuple(map(int, _NUMBER.findall(message))),
            tuple(map(int, _AT.findall(message))),
            end=message.startswith(b"event: end"),
            state=message.startswith(b"event: status"),
        )
    return found


@dataclass
class _Client(asyncio.Protocol):
    """One client: sends its request and records the messages and their times."""

    request: bytes
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    received: list[tuple[int, _Piece]] = field(default_factory=list)
    rest: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.time_ns()
        *whole, self.rest = _END.split(self.rest + data)
        for message in whole:
            piece = _piece(message)
            if piece.state:
                self.ready.set()
            self.received.append((now, piece))

    def connection_lost(self, _: Exception | None) -> None:
        self.ready.set()
        self.closed.set()

    @property
    def complete(self) -> bool:
        """Whether it received every event once and in order, and then the end."""
        numbers = [n for _, piece in self.received for n in piece.numbers]
        lines = sum(len(piece.times) for _, piece in self.received)
        return (
            bool(numbers)
            and numbers[0] == 1
            and all(after == before + 1 for before, after in pairwise(numbers))
            and lines == RATE * SECONDS
            and self.received[-1][1].end
        )


def _same(client: _Client) -> _Client:
    """Return the client: a protocol factory of asyncio for an existing protocol."""
    return client


async def _crowd(port: int, token: str, deployment: str, go: Path) -> Any:
    # HTTP/1.0 has no chunked encoding that would have to be parsed.
    request = (
        f"GET /deployments/{deployment}/events HTTP/1.0\r\n"
        f"Host: localhost\r\nAuthorization: {token}\r\n\r\n"
    )
    clients = [_Client(request.encode()) for _ in range(CLIENTS)]
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        for client in clients:
            await loop.create_connection(partial(_same, client), "127.0.0.1", port)
        for client in clients:
            await client.ready.wait()
        await asyncio.to_thread(go.touch)
        for client in clients:
            await client.closed.wait()
    passed = sorted(
        (now - at) / 1e6
        for now, piece in chain.from_iterable(client.received for client in clients)
        for at in piece.times
    )
    times = [at for _, piece in clients[0].received for at in piece.times]
    return {
        "complete": sum(client.complete for client in clients),
        "lines": len(times),
        "rate": round(len(times) / (times[-1] - times[0]) * 1e9),
        "pieces": sum(bool(piece.times) for _, piece in clients[0].received),
        "median": round(passed[len(passed) // 2], 1),
        "p99": round(passed[len(passed) * 99 // 100], 1),
        "longest": round(passed[-1], 1),
        "cpu": round(time.process_time(), 1),
    }


def _main(port: str, token: str, deployment: str, go: str) -> None:
    print(json.dumps(asyncio.run(_crowd(int(port), token, deployment, Path(go)))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
