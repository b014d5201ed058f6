"""(b) Lines per second from a journal into PostgreSQL, and the memory for it."""

import json
import time
import uuid
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from bench import file_versions
from bench.recorded_journal import record, write_journal
from bench.rows import row
from testing.supervised import SupervisedInstallation, temporary_installation

STEP_LINES = 200_000
EVENT_LINES = 60_000
#: Secrets that are masked while a journal is recorded, and their cost.
SECRETS = 100
COST = 1.05


def measure(rounds: int) -> list[Any]:
    """Measure step lines and events of 1 kB, each with a journal of 1/4 size too."""
    with temporary_installation() as here:
        here.write_files("journal", {"deploy.py": "#!/bin/sh\n"},
                         deploy_script="deploy.py")  # fmt: skip
        return [
            _compare(here, "step lines", _step_line, STEP_LINES, 20_000, rounds),
            _compare(here, "events of 1 kB", _event_line, EVENT_LINES, 8_000, rounds),
            _mask(here, "step lines", rounds),
            _mask(here, "events of 1 kB", rounds),
            *file_versions.compare(here, rounds),
        ]


def _compare(
    here: SupervisedInstallation,
    name: str,
    line: Any,
    lines: int,
    target: int,
    rounds: int,
) -> Any:
    small = write_journal(here, f"{name} small", line, lines // 4)
    large = write_journal(here, f"{name} large", line, lines)
    rates, copies, peaks, small_peaks = [], [], [], []
    for _ in range(rounds):
        copies.append(lines / _copy_alone(here, large))
        found = record(here, large)
        rates.append(lines / found["seconds"])
        peaks.append(found["peak_kib"])
        small_peaks.append(record(here, small)["peak_kib"])
    rate = median(rates)
    return row(
        f"{name} per second from a journal into PostgreSQL",
        rate,
        f"at least {target}",
        holds=rate >= target,
        share_of_copy_alone=round(rate / median(copies), 3),
        copy_alone_per_second=round(median(copies)),
        peak_mib=round(median(peaks) / 1024, 1),
        peak_of_four_times_the_journal=round(median(peaks) / median(small_peaks), 3),
    )


def _mask(here: SupervisedInstallation, name: str, rounds: int) -> Any:
    """Compare recording with secrets and without, in turn.

    The added processor time of the worker is compared with the shortest time of
    recording: on a busy machine, the times themselves say nothing.
    """
    journal = here.settings.var / "journals" / f"{name} large" / "journal"
    without, masked = [], []
    for _ in range(2 * rounds):
        without.append(record(here, journal))
        masked.append(record(here, journal, SECRETS))
    added = median(each["processor_seconds"] for each in masked) - median(
        each["processor_seconds"] for each in without
    )
    fastest = min(each["seconds"] for each in without)
    ratio = 1 + added / fastest
    return row(
        f"time to record {name} with {SECRETS} secrets, by the time without",
        ratio,
        f"at most {COST}",
        holds=ratio <= COST,
        added_processor_seconds=round(added, 3),
        seconds_without=[round(each["seconds"], 2) for each in without],
        seconds_with_secrets=[round(each["seconds"], 2) for each in masked],
    )


def _copy_alone(here: SupervisedInstallation, journal: Path) -> float:
    """Return the seconds for the same lines by COPY alone, 1000 in a transaction."""
    with psycopg.connect(here.settings.database) as db:
        db.execute("CREATE TEMP TABLE copied (number bigint PRIMARY KEY, line text)")
        db.commit()
        begun = time.monotonic()
        with journal.open() as file:
            number = 0
            while lines := file.readlines(1_000_000):
                for begin in range(0, len(lines), 1000):
                    with db.cursor().copy("COPY copied FROM STDIN") as copy:
                        for line in lines[begin : begin + 1000]:
                            number += 1
                            copy.write_row((number, line))
                    db.commit()
        return time.monotonic() - begun


def _step_line(number: int) -> dict[str, object]:
    state = ("running", "success")[number % 2]
    return {"name": f"step {number // 2 % 20}", "state": state,
            "message": f"line {number}"}  # fmt: skip


def _event_line(number: int) -> dict[str, object]:
    event = {
        "uuid": str(uuid.UUID(int=number)),
        "counter": number + 1,
        "stdout": f"\x1b[0;32mok: [host{number % 10}]\x1b[0m",
        "start_line": number,
        "end_line": number + 1,
        "runner_ident": "1",
        "event": "runner_on_ok",
        "pid": 1,
        "created": "2026-01-01T00:00:00.000000+00:00",
        "parent_uuid": str(uuid.UUID(int=number // 10)),
        "event_data": {
            "play": "Bench",
            "task": f"work | Task {number // 10}",
            "task_action": "ansible.builtin.command",
            "host": f"host{number % 10}",
            "duration": 0.01,
            "res": {"changed": number % 3 == 0, "cmd": ["true"], "stdout": ""},
        },
    }
    data: Any = event["event_data"]
    data["res"]["stdout"] = "x" * (1000 - len(json.dumps(event)))
    return event
