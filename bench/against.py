"""Compare the rows of two checkouts: `just bench runs --against ../before`.

Each checkout measures with its own code and its own virtual environment, one round at
a time and in turn, so that the noise of the machine affects both. After each round, the
ratios so far are printed to standard error.
"""

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

_BENCH = ("uv", "run", "--frozen", "--extra", "embedded", "python", "-m", "bench")
_HERE = Path(__file__).parent.parent


def measure(rows: Sequence[str], other: Path, rounds: int) -> list[Any]:
    """Return a table with the ratio of each row that both checkouts have.

    The target of the row shows whether a higher or a lower value is better.

    Raises:
        CalledProcessError: A measurement failed.
    """
    measured: dict[str, dict[Path, list[float]]] = defaultdict(dict)
    targets: dict[str, str] = {}
    table: list[Any] = []
    for number in range(1, rounds + 1):
        begun = time.monotonic()
        # Alternate the order: the first one of a round runs with colder caches.
        for checkout in (_HERE, other)[:: 1 if number % 2 else -1]:
            for row in _run(checkout, rows):
                values = measured[row["name"]].setdefault(checkout, [])
                values.append(row["measured"])
                targets[row["name"]] = row["target"]
        table = [
            {
                "name": name,
                **compare(values[_HERE], values[other]),
                "target": targets[name],
            }
            for name, values in measured.items()
            if len(values) == 2
        ]
        _print_progress(number, rounds, time.monotonic() - begun, table)
    return table


def _run(checkout: Path, rows: Sequence[str]) -> Any:
    command = [*_BENCH, *rows, "--rounds", "1"]
    done = subprocess.run(command, cwd=checkout, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def compare(here: Sequence[float], other: Sequence[float]) -> dict[str, Any]:
    """Return the median of the rounds' ratios, and how much they differ.

    A ratio is the value of this checkout divided by that of the other one in the same
    round. `half` has the limits of the middle half of the ratios, and `all` those of
    all of them. A round in which the other checkout measured 0 has no ratio.
    """
    ratios = sorted(a / b for a, b in zip(here, other, strict=True) if b)
    if not ratios:
        return {"ratio": None, "here": here, "other": other}
    low, _, high = (
        quantiles(ratios, n=4, method="inclusive") if ratios[1:] else ratios * 3
    )
    return {
        "ratio": round(median(ratios), 3),
        "half": [round(low, 3), round(high, 3)],
        "all": [round(ratios[0], 3), round(ratios[-1], 3)],
        "rounds": len(ratios),
        "here": here,
        "other": other,
    }


def _print_progress(
    number: int, rounds: int, seconds: float, table: Sequence[Any]
) -> None:
    print(f"round {number} of {rounds} took {seconds:.0f} s", file=sys.stderr)
    for row in table:
        if row["ratio"] is not None:
            low, high = row["half"]
            print(f"  {row['ratio']} ({low} to {high}): {row['name']}", file=sys.stderr)
