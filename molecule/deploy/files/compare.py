# ruff: noqa: INP001 - a program by itself
"""Compare what a run wrote into its journal with what PostgreSQL has of it.

    compare.py DEPLOYMENT COUNTS    COUNTS is what asker.py wrote

Prints a JSON object. Run as root on the host; nothing of FastDeploy's is used.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

RECORDED = """
SELECT data FROM events WHERE deployment_id = {} AND kind = 'runner' ORDER BY number
"""
SECONDS = """
SELECT extract(epoch FROM finished_at - created_at) FROM deployments WHERE id = {}
"""


def ask(query: str) -> list[str]:
    """The lines that PostgreSQL answers."""
    done = subprocess.run(
        ["runuser", "--user=postgres", "--", "psql", "--no-psqlrc", "--tuples-only",
         "--no-align", "--command", query, "fastdeploy"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def parsed(line: str | bytes) -> Any:
    """A line as JSON; None if it is none."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def main(deployment: str, counts: str) -> None:
    """Print what was found."""
    number = int(deployment)
    journal = Path(f"/var/lib/fastdeploy/runs/{number}/journal").read_bytes()
    written = [
        event
        for event in map(parsed, journal.splitlines())
        if isinstance(event, dict) and "event" in event and "uuid" in event
    ]
    recorded = [json.loads(line) for line in ask(RECORDED.format(number))]
    asked = json.loads(Path(counts).read_text())
    well = asked.get("answered 200", 0)
    found = {
        "events in the journal": len(written),
        "events in PostgreSQL": len(recorded),
        "equal": written == recorded and bool(written),
        "requests answered": well,
        "refused": sum(asked.values()) - well - asked["slowest ms"],
        "slowest answer, ms": asked["slowest ms"],
        "seconds": round(float(ask(SECONDS.format(number))[0]), 1),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
