"""(h) Load: a crowd of clients during 8 running deployments.

`python -m bench.load SPEC` runs the crowd in a separate process: 300 viewers of live
streams, 30 slow downloads, 30 searches without matches in 200,000 lines, and 120 logins
with a wrong password. The viewers read raw sockets, so that FastDeploy gets the
processor time. The API is polled from this process: the crowd's would delay the answers
that it measures. The memory of the web process is measured as in `pool`.
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import Any

import httpx

from bench.memory import pss, watching
from bench.rows import PATIENCE, row
from testing.supervised import SupervisedInstallation, temporary_installation

DEPLOYMENTS = 8
VIEWERS = 300
DOWNLOADS = 30
SEARCHES = 30
LOGINS = 120
LINES = 200_000
#: The number of lines that a deployment prints, and the seconds between them.
_ROUNDS, _PAUSE = 150, 0.1
#: Bytes that a download reads at a time, and the seconds between two reads.
_PIECE, _DOWNLOAD_PAUSE = 64 * 1024, 0.25
#: Seconds between two requests to the API.
_ASK_EVERY = 0.1
#: Uses some processor time for each line, like a deployment.
_PROGRAM = f"""\
#!/usr/bin/env python3
import hashlib, time
for number in range({_ROUNDS}):
    hashlib.pbkdf2_hmac("sha256", b"work", b"salt", 4000)
    print("line", number, flush=True)
    time.sleep({_PAUSE})
"""
_PRINTER = f"""\
#!/usr/bin/env python3
print("\\n".join(f"{{number}} " + "x" * 80 for number in range({LINES})))
"""


@dataclass(frozen=True)
class Spec:
    """The arguments of the crowd."""

    url: str
    port: int
    token: str
    running: list[int]
    printed: int


def measure(rounds: int) -> list[Any]:
    """Measure deployments without and with the crowd in turn."""
    with temporary_installation("worker", "web", concurrency=DEPLOYMENTS) as here:
        for number in range(DEPLOYMENTS):
            here.write_files(
                f"load-{number}", {"deploy.py": _PROGRAM}, deploy_script="deploy.py"
            )
        here.write_files("printer", {"deploy.py": _PRINTER}, deploy_script="deploy.py")
        printed = here.launch("printer")
        here.wait(printed)
        _ask(here, printed)
        idle = pss(here.processes["web"].pid)
        alone, crowded, answers, most = [], [], [], 0.0
        for _ in range(rounds):
            alone.append(_seconds(here, _launch(here)))
            running = _launch(here)
            with watching(lambda: [pss(here.processes["web"].pid)]) as samples:
                with (
                    _crowd(here, running, printed) as found,
                    _polled(here, running[0]) as polled,
                ):
                    crowded.append(_seconds(here, running))
                answers.append(found | polled)
            most = max(most, *samples)
    slowest = max(max(times) for times in crowded)
    ratio = slowest / median(time for times in alone for time in times)
    p95 = median(found["p95"] for found in answers)
    return [
        row("slowest of 8 deployments under load, beside none", ratio, "at most 1.2",
            holds=ratio <= 1.2),
        row("ms of an answer of the API under load, p95", p95, "at most 300",
            holds=p95 <= 300, each=answers),
        row("memory of web under load, beside idle", most / idle, "at most 1.5",
            holds=most <= 1.5 * idle, mebibytes=[round(idle), round(most)]),
    ]  # fmt: skip


def _launch(here: SupervisedInstallation) -> list[int]:
    return [here.launch(f"load-{number}") for number in range(DEPLOYMENTS)]


def _seconds(here: SupervisedInstallation, running: list[int]) -> list[float]:
    ended = [here.wait(number) for number in running]
    return [
        (one.finished_at - one.started_at).total_seconds()
        for one in ended
        if one.finished_at and one.started_at
    ]


def _ask(here: SupervisedInstallation, printed: int) -> None:
    """Request each page once, so that loading its code doesn't count as growth."""
    for address in (
        f"/api/v1/deployments/{printed}",
        f"/deployments/{printed}/search?text=nothing",
        f"/api/v1/deployments/{printed}/output",
    ):
        here.api.get(address).raise_for_status()


@contextmanager
def _crowd(
    here: SupervisedInstallation, running: list[int], printed: int
) -> Iterator[dict[str, Any]]:
    """Run the crowd during the block; the yielded dict then contains its results."""
    token = here.api.headers["Authorization"]
    url, port = str(here.api.base_url), here.settings.port
    spec = Spec(url, port, token, running, printed)
    found: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "bench.load", json.dumps(asdict(spec))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as crowd:
        yield found
        # Closing its standard input stops it.
        out, _ = crowd.communicate("", PATIENCE)
    found |= json.loads(out)


@contextmanager
def _polled(here: SupervisedInstallation, number: int) -> Iterator[dict[str, Any]]:
    """Poll the API during the block; the yielded dict then has the milliseconds."""
    asked: list[float] = []
    ended = threading.Event()

    def poll() -> None:
        with httpx.Client(
            base_url=here.api.base_url, headers=here.api.headers, timeout=PATIENCE
        ) as client:
            while not ended.wait(_ASK_EVERY):
                begin = time.perf_counter()
                client.get(f"/api/v1/deployments/{number}").raise_for_status()
                asked.append((time.perf_counter() - begin) * 1000)

    found: dict[str, Any] = {}
    polling = threading.Thread(target=poll)
    polling.start()
    try:
        yield found
    finally:
        ended.set()
        polling.join()
    found["requests"] = len(asked)
    found["median"] = round(median(asked), 1)
    found["p95"] = round(quantiles(asked, n=20)[-1], 1)


class _Viewer(asyncio.Protocol):
    """Requests a stream and counts its messages with output."""

    def __init__(self, request: bytes, counts: Counter[str]) -> None:
        self._request = request
        self._counts = counts
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._counts["pieces"] += data.count(b"event: output")

    def connection_lost(self, _: Exception | None) -> None:
        self.closed.set()


class _Crowd:
    """Clients that repeat their requests until they are canceled."""

    def __init__(self, client: httpx.AsyncClient, spec: Spec) -> None:
        self._client = client
        self._spec = spec
        self.counts = Counter[str]()

    def all(self) -> list[Coroutine[Any, Any, None]]:
        """Return the coroutines of all clients."""
        running = self._spec.running
        return [
            *(self._view(running[n % len(running)]) for n in range(VIEWERS)),
            *(self._download() for _ in range(DOWNLOADS)),
            *(self._search() for _ in range(SEARCHES)),
            *(self._log_in(number) for number in range(LOGINS)),
        ]

    async def _view(self, number: int) -> None:
        request = (
            f"GET /deployments/{number}/events HTTP/1.0\r\n"
            f"Host: localhost\r\nAuthorization: {self._spec.token}\r\n\r\n"
        )
        viewer = _Viewer(request.encode(), self.counts)
        loop = asyncio.get_running_loop()
        port = self._spec.port
        await loop.create_connection(lambda: viewer, "127.0.0.1", port)
        await viewer.closed.wait()

    async def _download(self) -> None:
        address = f"/api/v1/deployments/{self._spec.printed}/output"
        while True:
            async with self._client.stream("GET", address) as answer:
                answer.raise_for_status()
                async for _ in answer.aiter_bytes(_PIECE):
                    await asyncio.sleep(_DOWNLOAD_PAUSE)
            self.counts["downloads"] += 1

    async def _search(self) -> None:
        address = f"/deployments/{self._spec.printed}/search?text=nothing"
        while True:
            (await self._client.get(address)).raise_for_status()
            self.counts["searches"] += 1

    async def _log_in(self, number: int) -> None:
        form = {"name": f"nobody-{number % 8}", "password": f"wrong {number}"}
        answer = await self._client.post(
            "/login", data=form, headers={"Authorization": ""}
        )
        self.counts[f"logins_{answer.status_code}"] += 1


async def _come(spec: Spec) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=spec.url,
        headers={"Authorization": spec.token},
        limits=limits,
        timeout=PATIENCE,
    ) as client:
        crowd = _Crowd(client, spec)
        working = [asyncio.ensure_future(one) for one in crowd.all()]
        await asyncio.to_thread(sys.stdin.read)
        for task in working:
            task.cancel()
        results = await asyncio.gather(*working, return_exceptions=True)
    failed = [result for result in results if isinstance(result, Exception)]
    return {
        **crowd.counts,
        "failed": len(failed),
        "first_error": repr(failed[0]) if failed else "",
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_come(Spec(**json.loads(sys.argv[1]))))))
