"""(n) 5,000 hosts and 2,000 deployments: the queries of each page about hosts.

The hosts belong to 20 services in two environments. Every deployment reaches an eighth
of the hosts, so each host has a timeline of 250 deployments. One host has all 2,000.
Each host has 20 files with two versions; a tenth of them differs from host to host.
"""

import gc
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import quantiles
from typing import Any

from sqlalchemy import text

from app.domain import text_delta
from app.domain.host import HostOutcome, HostStatus
from app.store import host_records, services
from app.store.host_search import HostFilter
from app.store.host_timeline import TimelineFilter
from app.store.store import Store
from app.usecases import host_comparison, host_timeline, hosts
from app.usecases.host_comparison import HostAt
from bench import cpu_time
from bench.rows import UNMEASURED, row
from testing.factories import NOW
from testing.host_runs import make_playbook_service
from testing.supervised import temporary_installation

HOSTS, DEPLOYMENTS, SERVICES = 5_000, 2_000, 20
#: Every deployment reaches each host whose number has the same remainder, and one host.
_SHARE = 8
_ALWAYS = "web-0001"
#: Requests for each page in a round.
_TIMES = 40
_RESULTS = 20
_HOST_FILES = 20
#: How often the end of a deployment on all hosts is recorded.
_ENDS = 3

_HOSTS = """
INSERT INTO hosts (scope, name, groups, facts, facts_at, facts_deployment, searched)
SELECT 'shop', 'web-' || lpad(n::text, 4, '0'),
       ARRAY['all-' || n % 7, 'rack-' || n % 50],
       json_build_object('os', 'Debian 12.' || n % 9, 'kernel', '6.1.0-' || n % 30,
                         'ipv4', '10.0.' || n / 250 || '.' || n % 250),
       now(), 1, 'debian 12.' || n % 9 || ' 6.1.0-' || n % 30 || ' 10.0.' || n / 250
       || '.' || n % 250
FROM generate_series(1, :hosts) AS n
"""
_DEPLOYMENTS = """
INSERT INTO deployments (service_id, config, status, actor, origin, variables, node,
                         created_at, started_at, finished_at, exit_code, last_event)
SELECT s.id, s.config, 'successful', 'ada', 'browser', '{"version": "1.2.3"}', 'host',
       at, at, at + interval '90 s', 0, 2
FROM (
    SELECT n, now() - (:total - n) * interval '10 min' AS at
    FROM generate_series(1, :total) AS n
) AS made
JOIN services AS s ON s.name = 'shop/service-' || made.n % (:services / 2) || '@'
     || CASE made.n % 2 WHEN 0 THEN 'staging' ELSE 'production' END
ORDER BY n
"""
_OUTCOMES = """
INSERT INTO host_deployments (host_id, deployment_id, status, changed, failed, complete,
                              began_at, last_at)
SELECT h.id, d.id, CASE WHEN (h.id + d.id) % 40 = 0 THEN 'failed' ELSE 'changed' END,
       2, 0, true, d.started_at, d.finished_at
FROM deployments AS d
JOIN hosts AS h ON h.id % :share = d.id % :share OR h.name = :always
ORDER BY d.id, h.id
"""
_SERVICES = """
INSERT INTO host_services (host_id, service_id, named, status, at, deployment, version,
                           version_deployment, last_changed)
SELECT DISTINCT ON (o.host_id, d.service_id) o.host_id, d.service_id, true, o.status,
       o.last_at, d.id, '1.2.' || d.id % 10, d.id, d.id
FROM host_deployments AS o JOIN deployments AS d ON d.id = o.deployment_id
ORDER BY o.host_id, d.service_id, d.id DESC
"""
_STATUS = """
UPDATE hosts
SET status = o.status, last_at = o.last_at, last_deployment = o.deployment_id
FROM (SELECT DISTINCT ON (host_id) * FROM host_deployments
      ORDER BY host_id, deployment_id DESC) AS o
WHERE hosts.id = o.host_id
"""
_FILES = """
INSERT INTO files (host_id, path)
SELECT h.id, '/etc/app/' || n || '.conf'
FROM hosts AS h CROSS JOIN generate_series(1, :files) AS n
"""
_VERSIONS = """
INSERT INTO file_versions (file_id, service_id, deployment, number, at, since, task,
                           kind, digest, content)
SELECT f.id, s.id, 2 + v, f.id % 1000, now() - (10 - v) * interval '1 day',
       now() - interval '10 days', 'Configure',
       CASE WHEN f.id % 1000 = 0 AND v = 2 THEN 'outside' ELSE 'changed' END,
       '0123abcd:' || md5(CASE WHEN f.id % 10 = 0 THEN f.id ELSE v END::text), :content
FROM files AS f CROSS JOIN generate_series(1, 2) AS v
CROSS JOIN (SELECT min(id) AS id FROM services) AS s
ORDER BY v, f.id
"""
#: The results of the host with all deployments, a few of which are changes.
_EVENTS = """
INSERT INTO events (deployment_id, number, at, kind, name, host, task, result, data)
SELECT d.id, n, d.started_at + n * interval '1 s', 'runner', 'runner_on_ok', :always,
       'Task ' || n, CASE WHEN n % 10 = 0 THEN 'changed' ELSE 'ok' END,
       '{"event_data": {"res": {"changed": true, "diff": {"before": "port: ' || n
       || '\\n", "after": "port: ' || d.id || '\\n"}}}}'
FROM deployments AS d CROSS JOIN generate_series(1, :results) AS n
ORDER BY d.id, n
"""


def measure(rounds: int) -> list[Any]:
    """Build the hosts, then measure every page, and the end of a deployment.

    Each page is measured for an admin, and for somebody with a grant for the project.
    """
    with temporary_installation() as here:
        begun = time.monotonic()
        fill(here.store)
        built = round(time.monotonic() - begun, 1)
        # As the web process does: see app/serve.py.
        gc.freeze()
        limited = here.store.limited_to([["shop/*"]])
        rows = [
            _measured(store, f"{name}{who}", make, rounds * _TIMES, built)
            for store, who in ((here.store, ""), (limited, ", with a grant"))
            for name, make in pages(store).items()
        ]
        return [*rows, _end(here.store)]


def fill(store: Store) -> None:
    """Write the hosts and deployments, then vacuum and analyze the tables."""
    names = [
        f"shop/service-{number}@{environment}"
        for number in range(SERVICES // 2)
        for environment in ("staging", "production")
    ]
    found = [services.FoundService(name, make_playbook_service(name)) for name in names]
    with store.begin() as db:
        services.put(db, found, node="bench")
        # Skip the foreign key checks of a million rows, which are known to be valid.
        db.execute(text("SET LOCAL session_replication_role = replica"))
        db.execute(text(_HOSTS), {"hosts": HOSTS})
        db.execute(text(_DEPLOYMENTS), {"total": DEPLOYMENTS, "services": SERVICES})
        db.execute(text(_OUTCOMES), {"share": _SHARE, "always": _ALWAYS})
        db.execute(text(_SERVICES))
        db.execute(text(_STATUS))
        db.execute(text(_EVENTS), {"always": _ALWAYS, "results": _RESULTS})
        db.execute(text(_FILES), {"files": _HOST_FILES})
        content = text_delta.encode("setting = 1\n" * 100)
        db.execute(text(_VERSIONS), {"content": content})
    tables = "hosts, host_services, host_deployments, deployments, events, services, "
    tables += "files, file_versions"
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text(f"VACUUM (ANALYZE) {tables}"))


def pages(store: Store) -> dict[str, Callable[[], Callable[[], object]]]:
    """Return a function for each page, which chooses its filter randomly."""
    chance = random.Random(1)

    def listed(number: int = 1, **wanted: Any) -> Callable[[], object]:
        return partial(hosts.page, store, HostFilter(**wanted), number)

    def show(name: str, wanted: TimelineFilter) -> Callable[[], object]:
        def read() -> None:
            view = hosts.find(store, name)
            host_timeline.look(store, view.host, wanted)

        return read

    def compare(at: datetime | None = None) -> Callable[[], object]:
        a = HostAt(name(), at=at)
        b = HostAt(a.name if at else name())
        return partial(host_comparison.look, store, a, b)

    def name() -> str:
        return f"web-{chance.randrange(1, HOSTS):04}"

    def service() -> str:
        return f"shop/service-{chance.randrange(SERVICES // 2)}@production"

    day = datetime.now(UTC) - timedelta(days=7)
    hour = TimelineFilter(since=day, until=day + timedelta(hours=1))
    return {
        "list": listed,
        "list, further back": lambda: listed(chance.randrange(2, HOSTS // hosts.PAGE)),
        "list by service": lambda: listed(service=service()),
        "list by environment and status": lambda: listed(
            environment="production", status="failed"
        ),
        "list by group": lambda: listed(group=f"rack-{chance.randrange(50)}"),
        "list with edits outside": lambda: listed(outside=True),
        "search": lambda: listed(text=f"10.0.{chance.randrange(20)}."),
        "search for nothing": lambda: listed(text="no such text"),
        "choices of the filters": lambda: partial(hosts.choices, store),
        "host": lambda: show(name(), TimelineFilter()),
        "host with all deployments": lambda: show(_ALWAYS, TimelineFilter()),
        "host, between two times": lambda: show(_ALWAYS, hour),
        "two hosts compared": compare,
        "host compared at two times": lambda: compare(day),
        "host, search": lambda: show(_ALWAYS, TimelineFilter(text="port: 1999")),
        "host, search for nothing": lambda: show(
            _ALWAYS, TimelineFilter(text="no such text")
        ),
    }


def _milliseconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def _measured(
    store: Store, name: str, make: Callable[[], Callable[[], object]], times: int,
    built: float,
) -> Any:  # fmt: skip
    for _ in range(UNMEASURED):
        make()()
    before = _cpu_seconds(store)
    measured = [_milliseconds(make()) for _ in range(times)]
    cpu = (_cpu_seconds(store) - before) * 1000 / times
    found = quantiles(measured, n=100)
    return row(
        f"ms among {HOSTS:,} hosts and {DEPLOYMENTS:,} deployments, p95: {name}",
        found[94],
        "at most 50",
        holds=found[94] <= 50,
        p50=round(found[49], 2),
        least=round(min(measured), 2),
        cpu=round(cpu, 2),
        load=round(os.getloadavg()[0], 1),
        seconds_to_build=built,
    )


def _cpu_seconds(store: Store) -> float:
    return cpu_time.of_connection(store) + cpu_time.of_process()


def _end(store: Store) -> Any:
    """Measure what the end of a deployment writes that reached all hosts."""
    with store.begin() as db:
        names = db.scalars(text("SELECT name FROM hosts ORDER BY name")).all()
        ids = db.scalars(text("SELECT id FROM deployments ORDER BY id DESC")).all()
    outcomes = [
        HostOutcome(name, HostStatus.CHANGED, 2, 0, NOW, NOW, complete=True)
        for name in names
    ]
    measured = []
    for number in ids[:_ENDS]:
        begun = time.perf_counter()
        with store.begin() as db:
            host_records.record_end(db, number, "2.0", outcomes)
        measured.append((time.perf_counter() - begun) * 1000)
    return row(
        f"ms to record the end of a deployment on {HOSTS:,} hosts",
        max(measured),
        "at most 2,000",
        holds=max(measured) <= 2000,
    )
