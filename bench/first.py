"""(d) From a request to the first line of output, minus the program's own start."""

import subprocess
import time
from statistics import median
from typing import Any

from bench.rows import row
from testing.supervised import SupervisedInstallation, temporary_installation

_PROGRAM = "#!/usr/bin/env python3\nprint('first line', flush=True)\n"
_TIMES = 10


def measure(rounds: int) -> list[Any]:
    """Measure the seconds until a client has the first line, and the program's own."""
    with temporary_installation("worker", "web") as here:
        here.write_files("first", {"deploy.py": _PROGRAM}, deploy_script="deploy.py")
        program = here.settings.services / "first" / "deploy.py"
        ours, own = [], []
        for _ in range(rounds * _TIMES):
            own.append(_own_start(str(program)))
            ours.append(seconds_until(here, "first", "first line"))
    above = median(ours) - median(own)
    return [
        row(
            "seconds from POST to the first output line, above the program's start",
            above,
            "at most 0.4",
            holds=above <= 0.4,
            whole=round(median(ours), 3),
            program_alone=round(median(own), 3),
            longest=round(max(ours), 3),
        )
    ]


def _own_start(program: str) -> float:
    begun = time.monotonic()
    with subprocess.Popen([program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        return time.monotonic() - begun


def seconds_until(here: SupervisedInstallation, service: str, text: str) -> float:
    """Return the seconds from POST until a client of the stream receives a text."""
    begun = time.monotonic()
    answer = here.api.post("/api/v1/deployments", json={"service": service})
    answer.raise_for_status()
    address = f"/api/v1/deployments/{answer.json()['id']}/events"
    seconds = 0.0
    with here.api.stream("GET", address) as response:
        for line in response.iter_lines():
            if not seconds and text in line:
                seconds = time.monotonic() - begun
            if line == "event: end":
                break
    return seconds
