# ruff: noqa: INP001 - a standalone program
"""Compare the journal of FastDeploy's own deployment with its events in PostgreSQL.

    compare.py DEPLOYMENT VERSION ANSWERS SEEN

ANSWERS is what poll_api.py wrote, SEEN what watcher.py wrote. Prints a JSON object.
Run as root on the host; the program uses no code of FastDeploy.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

RECORDED = """
SELECT data FROM events WHERE deployment_id = {} AND kind = 'runner' ORDER BY number
"""
ALL = "SELECT count(*) FROM events WHERE deployment_id = {}"
LAUNCHED = "SELECT extract(epoch FROM created_at) FROM deployments WHERE id = {}"
SECONDS = """
SELECT extract(epoch FROM finished_at - created_at) FROM deployments WHERE id = {}
"""
#: systemd's message that a unit has started up; see systemd.journal-fields(7).
STARTED = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"


def output(*command: str) -> str:
    """Return the output of a command; raises CalledProcessError."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout


def ask(query: str) -> list[str]:
    """Return the rows of a query as lines."""
    return output(
        "runuser", "--user=postgres", "--", "psql", "--no-psqlrc", "--tuples-only",
        "--no-align", "--command", query, "fastdeploy",
    ).splitlines()  # fmt: skip


def restarts(unit: str, since: float) -> int:
    """Count the starts of a unit since then."""
    return len(
        output(
            "journalctl", "--quiet", "--output=cat", f"--since=@{since:.0f}",
            STARTED, f"UNIT={unit}",
        ).splitlines()
    )  # fmt: skip


def parsed(line: bytes) -> Any:
    """Parse a line as JSON; None if it is invalid."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def main(deployment: str, version: str, answers: str, watched: str) -> None:
    """Print the result."""
    number = int(deployment)
    journal = Path(f"/var/lib/fastdeploy/runs/{number}/journal").read_bytes()
    written = [
        event
        for event in map(parsed, journal.splitlines())
        if isinstance(event, dict) and "event" in event and "uuid" in event
    ]
    recorded = [json.loads(line) for line in ask(RECORDED.format(number))]
    asked = json.loads(Path(answers).read_text())
    seen = json.loads(Path(watched).read_text())
    launched = float(ask(LAUNCHED.format(number))[0])
    first = asked["first answer at"].get(version)
    found = {
        "restarts of web": restarts("fastdeploy.service", launched),
        "restarts of the worker": restarts("fastdeploy-worker.service", launched),
        "events in the journal": len(written),
        "events in PostgreSQL": len(recorded),
        "equal": written == recorded and bool(written),
        "streams that a watcher needed": seen["streams"],
        "it has seen each event once": seen["each once"]
        and seen["events"] == int(ask(ALL.format(number))[0]),
        "requests": asked["asked"],
        "refused or failed": asked["not answered"],
        "slowest answer, ms": asked["slowest answer, ms"],
        "seconds until the new version served": first and round(first - launched, 1),
        "seconds until the end": round(float(ask(SECONDS.format(number))[0]), 1),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
