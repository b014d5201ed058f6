"""`just chaos --minutes N --seed S`: kill processes and check that no event is lost.

Launches a stream of deployments of several kinds, with clients that follow them, drop
their streams and resume. At random moments web, worker and PostgreSQL are killed with
SIGKILL and restarted after up to 5 s; their clock is changed, and a second worker is
started with a copy of `var/`. When all deployments have ended, the journals are
compared with the database, with the events that each client received, and with slow
downloads. The seed determines the actions, but not their exact times.

Prints a summary as JSON. The exit code is 0 only if nothing was lost, duplicated, wrong
or stuck, and there were at least twelve kills a minute, or the number in `--kills`.
"""

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Any

from app import dev_server, log
from app.dev_server import Pause
from app.errors import FastDeployError
from app.runner.stop import signal_run
from app.settings import Settings
from app.worker.run import Run
from testing.supervised import SupervisedInstallation, supervised, temporary_settings
from tools.chaos.clock import Clock
from tools.chaos.compare import Findings, compare
from tools.chaos.killer import Killer
from tools.chaos.settle import settle
from tools.chaos.stream import CLIENTS, OPEN, Stream

#: The maximum number of seconds before a killed process is restarted.
AWAY = 5.0
#: The minimum number of kills per minute.
KILLS_A_MINUTE = 12


def main() -> int:
    """Run the test and print the summary; return the exit code."""
    parser = argparse.ArgumentParser(prog="just chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    parser.add_argument("--kills", type=int, help="kills that there must be")
    asked = parser.parse_args()
    log.configure("console", quiet=["httpx"])
    # Raise KeyboardInterrupt, so that SIGTERM also stops the started processes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with temporary_settings("chaos") as settings:
        try:
            summary, findings = _chaos(settings, asked.minutes * 60, asked.seed)
        except (FastDeployError, TimeoutError) as error:
            print(f"chaos: {error}", file=sys.stderr)
            return 1
    print(json.dumps({"seed": asked.seed, **summary, **asdict(findings)}, indent=2))
    least = KILLS_A_MINUTE * asked.minutes if asked.kills is None else asked.kills
    return 0 if findings.none and summary["kills"] >= least else 1


def _chaos(
    settings: Settings, seconds: float, seed: str
) -> tuple[dict[str, Any], Findings]:
    clock = Clock(settings.var.parent)
    pauses = random.Random(f"{seed} pauses")

    def pause() -> float:
        return pauses.uniform(0, AWAY)

    with (
        dev_server.embedded(settings, pause) as postgres,
        _with_clock(clock, postgres.settings, pause) as here,
        _no_run_left(settings),
        _following() as (pool, over),
    ):
        killer = Killer(here, postgres, clock, random.Random(f"{seed} kills"))
        stream = Stream(here, pool, random.Random(f"{seed} launches"), over)
        launching = pool.submit(stream.work, seconds)
        killer.work(seconds)
        launching.result()
        begun = time.monotonic()
        findings = Findings()
        settle(here.settings, stream, findings)
        settled = time.monotonic() - begun
        stream.read_slowly()
        stream.finish()
        events = compare(
            here.settings,
            stream.launched,
            stream.clients,
            stream.slow,
            stream.revoked,
            findings,
        )
        findings.require("copies that worked", 0, killer.copies_that_worked)
    summary = {
        "kills": killer.kills,
        "hits": killer.hits,
        "deployments": len(stream.launched),
        "events": events,
        "clients": len(stream.clients),
        "drops": sum(client.drops for client in stream.clients),
        "breaks": sum(client.breaks for client in stream.clients),
        "slow_readers": len(stream.slow),
        "revoked": len(stream.revoked),
        "seconds_to_settle": round(settled, 1),
    }
    return summary, findings


@contextmanager
def _with_clock(
    clock: Clock, settings: Settings, pause: Pause
) -> Iterator[SupervisedInstallation]:
    """Run web and worker with a clock that can be changed."""
    with ExitStack() as running:
        with clock.in_environment():
            site = running.enter_context(
                supervised(settings, "web", "worker", pause=pause)
            )
        yield site


@contextmanager
def _following() -> Iterator[tuple[ThreadPoolExecutor, threading.Event]]:
    """Yield a thread pool for launches and clients, and the event that stops them."""
    over = threading.Event()
    with ThreadPoolExecutor(max_workers=1 + OPEN * (CLIENTS + 1)) as pool:
        try:
            yield pool, over
        finally:
            over.set()


@contextmanager
def _no_run_left(settings: Settings) -> Iterator[None]:
    """Kill the runs that have not ended after the block."""
    try:
        yield
    finally:
        for folder in settings.runs.glob("[0-9]*"):
            while Run(folder).alive():
                signal_run(folder, signal.SIGKILL)
                time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
