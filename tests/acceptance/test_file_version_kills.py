"""Workers are killed while they record versions of files."""

import sys

import psycopg

from app.domain.deployment import Status
from app.store import files, hosts
from testing.installation import Installation
from testing.runs import release
from testing.waiting import eventually

_CHANGES = 450
#: Reports changes of a file, ends when there is a file `go`.
_SCRIPT = f"""#!{sys.executable}
import json, pathlib, sys, time
for n in range({_CHANGES}):
    diff = {{"before_header": "/etc/motd", "before": str(n), "after": str(n + 1)}}
    data = {{"host": "web1", "task": "Write", "res": {{"changed": True, "diff": diff}}}}
    print(json.dumps({{
        "event": "runner_on_ok", "counter": n + 1, "event_data": data,
        "uuid": f"0a1b2c3d-0000-4000-8000-{{n:012}}",
    }}), flush=True)
go = pathlib.Path(sys.argv[0]).with_name("go")
while not go.exists():
    time.sleep(0.01)
"""


def _versions(made: Installation) -> list[str | None]:
    with made.store.begin() as db:
        found = hosts.find(db, "web1", "changing")
        return [v.text for host in found for v in files.find(db, host.id, "/etc/motd")]


def _is_waiting(made: Installation) -> bool:
    query = "SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
    with psycopg.connect(made.settings.database) as db:
        return db.execute(query).fetchone() is not None


def test_versions_are_there_in_a_run_and_once_after_workers_were_killed(
    installation: Installation,
) -> None:
    made = installation
    made.write_service("changing", _SCRIPT)
    worker = made.worker()
    with psycopg.connect(made.settings.database) as held:
        held.execute("LOCK TABLE file_versions IN SHARE MODE")
        number = made.launch("changing")
        eventually(lambda: _is_waiting(made))
        worker.kill()

    worker = made.worker()
    eventually(lambda: _versions(made))
    worker.kill()
    release(made, "changing")
    made.worker()

    assert Status.SUCCESSFUL is made.ended(number).status
    assert [str(n) for n in range(_CHANGES + 1)] == _versions(made)
