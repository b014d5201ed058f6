"""(c) From a line in the journal to 50 clients of the live stream."""

import asyncio
import re
import time
from statistics import median, quantiles
from typing import Any

import httpx

from bench.rows import PATIENCE, row
from testing.supervised import SupervisedInstallation, temporary_installation

CLIENTS = 50
LINES = 400
_PROGRAM = f"""\
#!/usr/bin/env python3
import time
time.sleep(3)  # until every client is there
for _ in range({LINES}):
    print("at", time.time_ns(), flush=True)
    time.sleep(0.025)
"""
_LINE = re.compile(r"at (\d{15,})")


def measure(rounds: int) -> list[Any]:
    """Measure the milliseconds from printing a line until each client has it."""
    with temporary_installation("worker", "web") as here:
        here.write_files("clock", {"deploy.py": _PROGRAM}, deploy_script="deploy.py")
        medians, lates, complete = [], [], True
        for _ in range(rounds):
            found = asyncio.run(_watch_all(here, here.launch("clock")))
            complete = complete and all(len(c) == LINES for c in found)
            passed = sorted(ms for client in found for ms in client)
            medians.append(median(passed))
            lates.append(quantiles(passed, n=100)[98])
    middle, late = median(medians), median(lates)
    return [
        row(
            f"ms from journal to {CLIENTS} SSE clients, median",
            middle,
            "at most 60, p99 at most 250, every client complete",
            holds=middle <= 60 and late <= 250 and complete,
            p99=round(late, 1),
            every_client_complete=complete,
            lines=LINES,
        )
    ]


async def _watch_all(here: SupervisedInstallation, number: int) -> list[list[float]]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=here.api.base_url,
        headers=here.api.headers,
        timeout=PATIENCE,
        limits=limits,
    ) as client:
        watching = (_watch(client, number) for _ in range(CLIENTS))
        return list(await asyncio.gather(*watching))


async def _watch(client: httpx.AsyncClient, number: int) -> list[float]:
    passed = []
    async with client.stream("GET", f"/deployments/{number}/events") as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            now = time.time_ns()
            passed += [(now - int(at)) / 1e6 for at in _LINE.findall(line)]
            if line == "event: end":
                break
    return passed
