"""What a scrape of the metrics costs: 500 services with 2,000 deployments each."""

import importlib
import time
from statistics import median
from typing import Any

from sqlalchemy import text

from app.store.store import Store
from app.web.metric_families import Context, encode
from bench.rows import row
from testing.statements import listening
from testing.supervised import temporary_installation

SERVICES, EACH, TIMES = 500, 2000, 7
#: The allowed CPU seconds of a scrape: a fiftieth of a scrape interval of 15 s.
ALLOWED = 0.3

_SERVICES = """
INSERT INTO services (name, config)
SELECT 'project-' || n / 50 || '/service-' || n || '@live', '{}'
FROM generate_series(1, :services) AS n
"""
_DEPLOYMENTS = """
INSERT INTO deployments (service_id, config, status, actor, origin, variables,
                         created_at, started_at, finished_at)
SELECT s.id, '{}', CASE WHEN n % 20 = 0 THEN 'failed' ELSE 'successful' END, 'ada',
       'api', '{}', at, at, at + make_interval(secs => power(n % 97, 2))
FROM services AS s, generate_series(1, :each) AS n,
     LATERAL (SELECT now() - make_interval(mins => n) AS at) AS began
"""


def measure(rounds: int) -> list[Any]:
    """Measure scrapes, and how long the migration takes to count what exists."""
    with temporary_installation() as made:
        with made.store.begin() as db:
            db.execute(text(_SERVICES), {"services": SERVICES})
            db.execute(text(_DEPLOYMENTS), {"each": EACH})
        versions = "app.store.migrations.versions"
        module = importlib.import_module(f"{versions}.0019_add_totals_and_pings")
        begun = time.perf_counter()
        with made.store.begin() as db:
            db.execute(text(module.FILL))
        filled = time.perf_counter() - begun
        with made.store.engine.connect() as db:
            db.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
        measured = [scrape(made.store) for _ in range(TIMES * rounds)]
    seconds, queries, size = (median(column) for column in zip(*measured, strict=True))
    return [
        row(
            f"processor seconds of a scrape with {SERVICES * EACH:,} deployments",
            seconds,
            f"at most {ALLOWED}",
            holds=seconds <= ALLOWED,
            seconds_of_its_queries=round(queries, 3),
            kilobytes=round(size / 1000),
            seconds_to_count_the_deployments=round(filled, 1),
        )
    ]


def scrape(store: Store) -> tuple[float, float, int]:
    """Return the CPU seconds of a scrape, the seconds of its queries, and its bytes."""
    begun = time.process_time()
    with listening(store.engine) as recorded, store.begin() as db:
        content, _ = encode(Context(db, streams=0, loop_lag=0.0), "")
    return time.process_time() - begun, recorded.seconds, len(content)
