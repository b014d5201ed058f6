"""(h) Load: a crowd of clients during 8 running deployments.

`python -m bench.load SPEC` runs the crowd in a separate process: 300 viewers of live
streams, 30 slow downloads, 30 searches without matches in 200,000 lines, 120 logins
with a wrong password, and one client that polls the API. The memory of the web process
is measured as in `pool`.
"""

import asyncio
import json
import subprocess
import sys
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
from testing.supervised import Supervised, temporary_installation

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
                with _crowd(here, running, printed) as found:
                    crowded.append(_seconds(here, running))
                answers.append(found)
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


def _launch(here: Supervised) -> list[int]:
    return [here.launch(f"load-{number}") for number in range(DEPLOYMENTS)]


def _seconds(here: Supervised, running: list[int]) -> list[float]:
    ended = [here.wait(number) for number in running]
    return [
        (one.finished_at - one.started_at).total_seconds()
        for one in ended
        if one.finished_at and one.started_at
    ]


def _ask(here: Supervised, printed: int) -> None:
    """Request each page once, so that loading its code doesn't count as growth."""
    for address in (
        f"/api/deployments/{printed}",
        f"/deployments/{printed}/search?text=nothing",
        f"/api/deployments/{printed}/output",
    ):
        here.api.get(address).raise_for_status()


@contextmanager
def _crowd(
    here: Supervised, running: list[int], printed: int
) -> Iterator[dict[str, Any]]:
    """Run the crowd during the block; the yielded dict then contains its results."""
    token = here.api.headers["Authorization"]
    spec = Spec(str(here.api.base_url), token, running, printed)
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


class _Crowd:
    """Clients that repeat their requests until they are canceled."""

    def __init__(self, client: httpx.AsyncClient, spec: Spec) -> None:
        self._client = client
        self._spec = spec
        self.counts = Counter[str]()
        #: Milliseconds of each request to the API.
        self.asked: list[float] = []

    def all(self) -> list[Coroutine[Any, Any, None]]:
        """Return the coroutines of all clients."""
        running = self._spec.running
        return [
            *(self._view(running[n % len(running)]) for n in range(VIEWERS)),
            *(self._download() for _ in range(DOWNLOADS)),
            *(self._search() for _ in range(SEARCHES)),
            *(self._log_in(number) for number in range(LOGINS)),
            self._ask(),
        ]

    async def _view(self, number: int) -> None:
        address = f"/deployments/{number}/events"
        async with self._client.stream("GET", address) as answer:
            async for piece in answer.aiter_bytes():
                self.counts["pieces"] += piece.count(b"event: output")

    async def _download(self) -> None:
        address = f"/api/deployments/{self._spec.printed}/output"
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

    async def _ask(self) -> None:
        address = f"/api/deployments/{self._spec.running[0]}"
        while True:
            begin = time.perf_counter()
            (await self._client.get(address)).raise_for_status()
            self.asked.append((time.perf_counter() - begin) * 1000)
            await asyncio.sleep(_ASK_EVERY)


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
        "requests": len(crowd.asked),
        "median": round(median(crowd.asked), 1),
        "p95": round(quantiles(crowd.asked, n=20)[-1], 1),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_come(Spec(**json.loads(sys.argv[1]))))))
