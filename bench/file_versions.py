"""What the versions of files cost when a journal is recorded, and their storage."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

from bench.recorded_journal import record, write_journal
from bench.rows import row
from testing.supervised import SupervisedInstallation

#: The results of a journal; one of EVERY changes a file, each another one.
RESULTS, EVERY, HOSTS = 20_000, 20, 40
#: The lines of a file, of which each change replaces one.
_LINES = 60
COST = 1.05
#: The processor seconds of worker and PostgreSQL for 1,000 changed files.
SECONDS = 0.5
_ON, _OFF = "versions-on", "versions-off"


def compare(here: SupervisedInstallation, rounds: int) -> list[Any]:
    """Record the same journals with the versions of files and without, in turn.

    Each journal continues the versions of the one before. The added processor time of
    the worker, the least of each kind, is compared with the shortest time of recording:
    on a busy machine, the times themselves say nothing. The versions are recorded after
    the events; their processor time is a row of its own.
    """
    playbook = {"site.yml": "- hosts: all\n"}
    here.write_files(_ON, playbook, playbook="site.yml")
    here.write_files(_OFF, playbook, playbook="site.yml", file_history=False)
    without, kept = [], []
    for number in range(2 * rounds + 1):
        line = partial(_result, number)
        journal = write_journal(here, f"versions {number}", line, RESULTS)
        pair = record(here, journal, service=_OFF), record(here, journal, service=_ON)
        if number:
            # The first one creates the files.
            without.append(pair[0])
            kept.append(pair[1])
    added = min(each["processor_seconds"] for each in kept) - min(
        each["processor_seconds"] for each in without
    )
    fastest = min(each["seconds"] for each in without)
    ratio = 1 + added / fastest
    recording = row(
        f"time to record results, 1 of {EVERY} of which changes a file of 2 kB, with "
        "versions of files, by the time without",
        ratio,
        f"at most {COST}",
        holds=ratio <= COST,
        seconds_without=[round(each["seconds"], 2) for each in without],
        seconds_with_versions=[round(each["seconds"], 2) for each in kept],
    )
    return [recording, _versions(here, journal, kept)]


def _versions(here: SupervisedInstallation, journal: Path, found: Sequence[Any]) -> Any:
    files = RESULTS / EVERY / 1000
    worker, postgresql = (
        median(each["versions"][key] for each in found) / files
        for key in ("processor_seconds", "postgresql_seconds")
    )
    return row(
        "processor seconds to record the versions of 1,000 changed files of 2 kB",
        worker + postgresql,
        f"at most {SECONDS}",
        holds=worker + postgresql <= SECONDS,
        of_the_worker=round(worker, 3),
        of_postgresql=round(postgresql, 3),
        **_storage(here, journal),
    )


def _storage(here: SupervisedInstallation, journal: Path) -> dict[str, float]:
    """Return kilobytes for 1,000 changed files, and those of their diffs."""
    query = text(
        "SELECT count(*), sum(octet_length(content)), "
        "pg_total_relation_size('file_versions') FROM file_versions"
    )
    with here.store.begin() as db:
        count, contents, table = db.execute(query).one()
    results = map(json.loads, journal.read_text().splitlines())
    found = (each["event_data"]["res"].get("diff") for each in results)
    diffs = sum(len(json.dumps(diff)) for diff in found if diff)
    return {
        "kb_of_contents_per_1000_changes": round(contents / count, 1),
        "kb_of_the_table_per_1000_changes": round(table / count, 1),
        "kb_of_diffs_per_1000_changes": round(diffs * EVERY / RESULTS, 1),
    }


def _result(round_number: int, number: int) -> dict[str, object]:
    """Return an event of a result of 1 kB, or one that has changed a file."""
    host, task = f"host{number % HOSTS}", f"app | Task {number // HOSTS}"
    changed, place = number % EVERY == 0, number // EVERY
    res: dict[str, object] = {"changed": changed, "msg": "x" * 500}
    if changed:
        host, path = f"host{place % HOSTS}", f"/etc/app/{place // HOSTS}.conf"
        before, after = (_content(place, each + round_number) for each in (0, 1))
        headers = {"before_header": path, "after_header": path}
        diff = {**headers, "before": before, "after": after}
        res = {"changed": True, "dest": path, "diff": [diff]}
    return {
        "uuid": f"0a1b2c3d-0000-4000-8000-{number:012}",
        "counter": number + 1,
        "stdout": f"{'changed' if changed else 'ok'}: [{host}]",
        "start_line": number,
        "end_line": number + 1,
        "runner_ident": "1",
        "event": "runner_on_ok",
        "pid": 1,
        "created": "2026-01-01T00:00:00.000000+00:00",
        "event_data": {
            "play": "Bench",
            "task": task,
            "task_action": "ansible.builtin.template",
            "host": host,
            "duration": 0.01,
            "res": res,
        },
    }


def _content(number: int, version: int) -> str:
    """Return a file whose versions differ in one line each."""
    lines = [f"setting_{n} = {(number * 7919 + n * 104729) % 99991} # of this file"
             for n in range(_LINES)]  # fmt: skip
    for each in range(version):
        lines[(each * 17) % _LINES] = f"setting_{each} = version {each + 1}"
    return "\n".join(lines) + "\n"
