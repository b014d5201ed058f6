"""Compare the rows of two checkouts: `just bench runs --against ../before`.

Each checkout measures with its own code and its own virtual environment, one round at
a time and in turn, so that the noise of the machine affects both.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

_BENCH = ("uv", "run", "--frozen", "--extra", "embedded", "python", "-m", "bench")
_HERE = Path(__file__).parent.parent


def measure(rows: Sequence[str], other: Path, rounds: int) -> list[Any]:
    """Return a table with the ratio of each row that both checkouts have.

    A ratio is this checkout's median divided by the other's; the target of the row
    shows whether a higher or a lower value is better.

    Raises:
        CalledProcessError: A measurement failed.
    """
    measured: dict[str, dict[Path, list[float]]] = defaultdict(dict)
    targets: dict[str, str] = {}
    for number in range(rounds):
        # Alternate the order: the first one of a round runs with colder caches.
        for checkout in (_HERE, other)[:: -1 if number % 2 else 1]:
            print(f"round {number + 1} of {rounds}: {checkout}", file=sys.stderr)
            for row in _run(checkout, rows):
                values = measured[row["name"]].setdefault(checkout, [])
                values.append(row["measured"])
                targets[row["name"]] = row["target"]
    return [
        _compare(name, values[_HERE], values[other], targets[name])
        for name, values in measured.items()
        if len(values) == 2
    ]


def _run(checkout: Path, rows: Sequence[str]) -> Any:
    command = [*_BENCH, *rows, "--rounds", "1"]
    done = subprocess.run(command, cwd=checkout, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def _compare(
    name: str, here: Sequence[float], other: Sequence[float], target: str
) -> dict[str, Any]:
    return {
        "name": name,
        "ratio": round(median(here) / median(other), 3) if median(other) else None,
        "here": here,
        "other": other,
        "target": target,
    }
