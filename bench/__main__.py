"""`just bench [ROW …]`: run benchmarks and print a table as JSON.

Rows: `runs` (a whole deployment, compared with ansible-playbook and ansible-runner),
`journal` (recording, compared with COPY alone), `live` (from a journal to 50 clients),
`first` (from a request to the first output), `history` (the pages of a million
deployments), `crowd` (300 clients that watch 1,000 lines a second), `page` (a
deployment's page, on the server and in a browser), `pool` (50 deployments, compared
with `xargs -P8`, and their memory), `load` (8 deployments, with and without a crowd of
viewers, downloads, searches and logins), `projects` (inspecting a repository, making
the tree of a commit, and what a commit adds to a launch), `cli` (the start of the
command line, compared with ansible-playbook). With `--against CHECKOUT`,
the same rows of another checkout of FastDeploy are measured in turn, and the table has
the ratios.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench import (
    against,
    cli,
    crowd,
    first,
    history,
    journal,
    live,
    load,
    page,
    pool,
    projects,
    runs,
)

ROWS = {
    "runs": runs.measure,
    "journal": journal.measure,
    "live": live.measure,
    "first": first.measure,
    "history": history.measure,
    "crowd": crowd.measure,
    "page": page.measure,
    "pool": pool.measure,
    "load": load.measure,
    "projects": projects.measure,
    "cli": cli.measure,
}


def main() -> None:
    """Measure the requested rows and print the table."""
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument("rows", nargs="*", default=list(ROWS), metavar="ROW")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement")
    parser.add_argument(
        "--against", type=Path, metavar="CHECKOUT", help="compare with this checkout"
    )
    asked = parser.parse_args()
    unknown = sorted(set(asked.rows) - set(ROWS))
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)} (known: {', '.join(ROWS)})")
    if asked.against:
        table = against.measure(asked.rows, asked.against.absolute(), asked.rounds)
    else:
        table = _measure(asked.rows, asked.rounds)
    print(json.dumps(table, indent=2))


def _measure(rows: list[str], rounds: int) -> list[Any]:
    table = []
    for name in rows:
        print(f"measuring {name} …", file=sys.stderr)
        table.extend(ROWS[name](rounds))
    return table


if __name__ == "__main__":
    main()
