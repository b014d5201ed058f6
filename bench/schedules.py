"""How late schedules launch: 10,000 of them, 200 due at one instant, two workers.

The workers run the deployments meanwhile.
"""

import json
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

from bench.rows import row
from testing.installation import Installation
from testing.supervised import temporary_installation
from testing.waiting import eventually

SERVICES, SCHEDULES, DUE = 1000, 10, 200
#: Seconds from the start of the workers until the instant, and the allowed lateness.
AHEAD, ALLOWED = 20, 10.0


def measure(rounds: int) -> list[Any]:
    """Measure the seconds from the instant until the last launch."""
    found = [_launch() for _ in range(rounds)]
    last = [max(late) for late in found]
    each_once = all(len(late) == DUE for late in found)
    return [
        row(
            f"seconds until {DUE} of {SERVICES * SCHEDULES:,} schedules are launched",
            max(last),
            f"at most {ALLOWED:.0f}, none twice",
            holds=max(last) <= ALLOWED and each_once,
            launched=[len(late) for late in found],
            median=round(median(median(late) for late in found), 2),
            last=[round(each, 2) for each in last],
        )
    ]


def _launch() -> list[float]:
    """Return the seconds from the instant until each launch."""
    with temporary_installation() as made:
        write_services(made.services)
        assert len(made.sync().valid) == SERVICES
        there = made.settings.var / "there"
        there.mkdir()
        made.worker()
        made.worker(FASTDEPLOY_NODE="there", FASTDEPLOY_VAR=str(there))
        plan(made)
        eventually(lambda: count(made) >= DUE, 300)
        return lateness(made)


def write_services(folder: Path) -> None:
    schedules = [
        {"name": f"s{number}", "cron": "0 0 1 1 *"} for number in range(SCHEDULES)
    ]
    for number in range(SERVICES):
        place = folder / f"service-{number}"
        place.mkdir()
        content = {"name": place.name, "deploy_script": "deploy.py"}
        (place / "config.json").write_text(
            json.dumps(content | {"schedules": schedules})
        )
        (place / "deploy.py").write_text("#!/bin/sh\n")
        (place / "deploy.py").chmod(0o755)


def plan(made: Installation) -> None:
    """Let the first schedule of some services be due at one instant."""
    with made.store.begin() as db:
        db.execute(
            text(
                "UPDATE schedules SET next_at = now() + make_interval(secs => :ahead) "
                "WHERE id IN (SELECT id FROM schedules WHERE name = 's0' LIMIT :due)"
            ),
            {"ahead": AHEAD, "due": DUE},
        )


def count(made: Installation) -> int:
    query = "SELECT count(*) FROM deployments WHERE origin = 'schedule'"
    with made.store.begin() as db:
        return int(db.execute(text(query)).scalar_one())


def lateness(made: Installation) -> list[float]:
    """Return the seconds from the instant until each launch."""
    query = (
        "SELECT extract(epoch FROM d.created_at - s.last_at) FROM deployments d "
        "JOIN schedules s ON s.service_id = d.service_id AND s.name = 's0' "
        "WHERE d.origin = 'schedule'"
    )
    with made.store.begin() as db:
        return [float(row[0]) for row in db.execute(text(query))]
