#!/usr/bin/env bash
# cronsim: an hourly job has a gap of 90 minutes where clocks are put back by half an hour.
#
# Versions: cronsim 2.8 and tzdata 2026.6 from PyPI.
# Input: `45 * * * *` over the end of daylight saving time, in two time zones. In Berlin,
#   02:00 to 03:00 comes twice; on Lord Howe Island, 01:30 to 02:00 comes twice.
# Seen: in Berlin the job runs every 60 minutes, at 02:45 twice. On Lord Howe Island, the
#   second 01:45 is left out, so 90 minutes pass. `*/30 * * * *` doesn't leave out the
#   second 01:30 there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    "cronsim==2.8" "tzdata==2026.6"

PYTHONTZPATH="" "$work/venv/bin/python" - <<'PY' | tee "$work/seen"
from datetime import datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim

for zone, day, rule in [
    ("Europe/Berlin", datetime(2026, 10, 24, 23), "45 * * * *"),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 23), "45 * * * *"),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 23), "*/30 * * * *"),
]:
    instants = list(islice(CronSim(rule, day.replace(tzinfo=ZoneInfo(zone))), 7))
    gaps = [int((b.timestamp() - a.timestamp()) / 60) for a, b in pairwise(instants)]
    print(zone, rule, gaps)
PY

diff - "$work/seen" <<'SEEN' || { echo "changed"; exit 1; }
Europe/Berlin 45 * * * * [60, 60, 60, 60, 60, 60]
Australia/Lord_Howe 45 * * * * [60, 60, 90, 60, 60, 60]
Australia/Lord_Howe */30 * * * * [30, 30, 30, 30, 30, 30]
SEEN
