"""`just bench [ROW …]`: run benchmarks and print a table as JSON.

Rows: `runs` (a whole deployment, compared with ansible-playbook and ansible-runner),
`journal` (recording, compared with COPY alone), `live` (from a journal to 50 clients),
`first` (from a request to the first output), `history` (the pages of a million
deployments), `crowd` (300 clients that watch 1,000 lines a second), `page` (a
deployment's page, on the server and in a browser), `overview` (500 services, on the
server and in a browser, compared with 10), `grants` (pages of a member with 500 grants,
compared with an admin), `pool` (50 deployments, compared
with `xargs -P8`, and their memory), `load` (8 deployments, with and without a crowd of
viewers, downloads, searches and logins), `projects` (inspecting a repository, making
the tree of a commit, and what a commit adds to a launch), `cli` (the start of the
command line, compared with ansible-playbook), `hosts` (1,000 hosts, compared with it;
`--hosts` changes the number), `host-pages` (the pages of 5,000 hosts and 2,000
deployments), `start` (from a request to the first task, compared with it), `ssh` (hosts
over SSH, compared with it; `--hosts`, `--delays` and `--playbooks` add cases), `traces`
(deployments whose traces are sent, compared with others), `schedules` (200 of 10,000
schedules that are due at one instant), `credentials` (what they add to the start of a
run), `metrics` (a scrape with a million deployments). With `--against CHECKOUT`,
the same rows of another checkout of FastDeploy are measured in turn, and the table has
the ratios.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench import (
    against,
    cli,
    credentials,
    crowd,
    first,
    grants,
    history,
    host_pages,
    hosts,
    journal,
    live,
    load,
    metrics,
    overview,
    page,
    pool,
    projects,
    runs,
    schedules,
    ssh,
    start,
    traces,
)
from bench.ssh_playbooks import PLAYBOOKS

ROWS: dict[str, Callable[[int], list[Any]]] = {
    "runs": runs.measure,
    "journal": journal.measure,
    "live": live.measure,
    "first": first.measure,
    "history": history.measure,
    "crowd": crowd.measure,
    "page": page.measure,
    "overview": overview.measure,
    "grants": grants.measure,
    "pool": pool.measure,
    "load": load.measure,
    "projects": projects.measure,
    "hosts": hosts.measure,
    "host-pages": host_pages.measure,
    "start": start.measure,
    "ssh": partial(ssh.measure, plan=ssh.Plan()),
    "cli": cli.measure,
    "traces": traces.measure,
    "schedules": schedules.measure,
    "credentials": credentials.measure,
    "metrics": metrics.measure,
}


def main() -> None:
    """Measure the requested rows and print the table."""
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument("rows", nargs="*", default=list(ROWS), metavar="ROW")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement")
    parser.add_argument(
        "--against", type=Path, metavar="CHECKOUT", help="compare with this checkout"
    )
    usual = ssh.Plan()
    parser.add_argument(
        "--hosts", type=_numbers, default=usual.hosts,
        help="for `ssh`: 1,10,50; for `hosts`: another number than 1000",
    )  # fmt: skip
    parser.add_argument(
        "--delays", type=_numbers, default=usual.delays,
        help="for `ssh`: milliseconds of a round trip: 0,5,20",
    )  # fmt: skip
    parser.add_argument(
        "--playbooks", type=_playbooks, default=usual.playbooks,
        help=f"for `ssh`: {','.join(PLAYBOOKS)}",
    )  # fmt: skip
    asked = parser.parse_args()
    plan = ssh.Plan(asked.hosts, asked.delays, asked.playbooks)
    rows = ROWS | {"ssh": partial(ssh.measure, plan=plan)}
    if asked.hosts != usual.hosts:
        rows["hosts"] = partial(hosts.measure, hosts=asked.hosts[0])
    unknown = sorted(set(asked.rows) - set(ROWS))
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)} (known: {', '.join(ROWS)})")
    if asked.against:
        table = against.measure(asked.rows, asked.against.absolute(), asked.rounds)
    else:
        table = _measure({name: rows[name] for name in asked.rows}, asked.rounds)
    print(json.dumps(table, indent=2))


def _measure(rows: Mapping[str, Callable[[int], list[Any]]], rounds: int) -> list[Any]:
    table = []
    for name, measure in rows.items():
        print(f"measuring {name} …", file=sys.stderr)
        table.extend(measure(rounds))
    return table


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def _playbooks(text: str) -> list[str]:
    names = text.split(",")
    if unknown := sorted(set(names) - set(PLAYBOOKS)):
        raise argparse.ArgumentTypeError(f"no such playbook: {', '.join(unknown)}")
    return names


if __name__ == "__main__":
    main()
