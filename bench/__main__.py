"""`just bench [ROW …]`: measure, and print a table as JSON.

Rows: `runs` (a whole deployment beside ansible-playbook and ansible-runner), `journal`
(recording beside COPY alone), `live` (from a journal to 50 browsers), `first` (from a
request to the first output), `history` (the pages of a million deployments), `crowd`
(300 browsers that watch 1,000 lines a second), `page` (a deployment's page, on the
server and in a browser), `pool` (50 deployments beside
`xargs -P8`, and their memory).
"""

import argparse
import json
import sys

from bench import crowd, first, history, journal, live, page, pool, runs

ROWS = {
    "runs": runs.measure,
    "journal": journal.measure,
    "live": live.measure,
    "first": first.measure,
    "history": history.measure,
    "crowd": crowd.measure,
    "page": page.measure,
    "pool": pool.measure,
}


def main() -> None:
    """Measure the rows that are asked for, and print what was found."""
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument("rows", nargs="*", default=list(ROWS), metavar="ROW")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement")
    asked = parser.parse_args()
    unknown = sorted(set(asked.rows) - set(ROWS))
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)} (known: {', '.join(ROWS)})")
    table = []
    for name in asked.rows:
        print(f"measuring {name} …", file=sys.stderr)
        table.extend(ROWS[name](asked.rounds))
    print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
