"""(e) A long history: the queries of each page with a million deployments.

The history is skewed like real ones: a few services and users have most deployments,
some have only old ones, nearly all deployments were successful, and a few are active.
"""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import quantiles
from typing import Any

from sqlalchemy import text

from app.domain.deployment import Origin, Status
from app.domain.service import Service
from app.store import services
from app.store.history import ANY, Filter
from app.store.store import Store
from app.usecases import history, output, overview, service_page
from bench.history_plans import PAGE, Page, problems
from bench.plans import scans
from bench.rows import row
from testing.statements import listening
from testing.supervised import temporary_installation

DEPLOYMENTS = 1_000_000
STEPS_EACH = 5
SERVICES = 200
#: Requests for each page in a round.
TIMES = 60
#: A service, a user and an origin that occur only in the oldest 1 % of deployments.
QUIET = "service-quiet"
GONE = "gone"
FORMER = Origin.CLI
#: A user with 20 % of the deployments, all launched by the API, none of them failed.
ROBOT = "robot"
#: A text without matches, so that a search reads the maximum number of rows.
NOWHERE = "no such text"

_DEPLOYMENTS = """
INSERT INTO deployments (service_id, config, status, reason, actor, origin, variables,
                         node, created_at, started_at, finished_at, exit_code,
                         last_event)
SELECT
    s.id, s.config,
    CASE WHEN going_on THEN CASE WHEN n % 2 = 0 THEN 'queued' ELSE 'running' END
         WHEN luck < 0.92 OR by_robot THEN 'successful' WHEN luck < 0.98 THEN 'failed'
         WHEN luck < 0.995 THEN 'canceled' ELSE 'timeout' END,
    CASE WHEN luck < 0.92 OR by_robot THEN '' ELSE 'exit code 2 in step 3' END,
    CASE WHEN n < :total / 100 AND n % 20 = 0 THEN 'gone' WHEN by_robot THEN 'robot'
         ELSE 'person-' || floor(50 * power(random(), 3))::int END,
    CASE WHEN n < :total / 100 AND n % 20 = 2 THEN 'cli'
         WHEN second_luck < 0.7 OR by_robot THEN 'api' ELSE 'browser' END,
    '{"version": "1.2.3"}', 'host',
    at, CASE WHEN going_on AND n % 2 = 0 THEN NULL ELSE at END,
    CASE WHEN going_on THEN NULL ELSE at + interval '90 s' END,
    CASE WHEN going_on THEN NULL ELSE 0 END, 2
FROM (
    SELECT n, random() AS luck, random() AS second_luck, n > :total - 60 AS going_on,
           now() - (:total - n) * interval '1 min' AS at, random() < 0.2 AS by_robot,
           CASE WHEN n < :total / 100 AND n % 20 = 1 THEN 'service-quiet'
                ELSE 'service-' || floor(:services * power(random(), 3))::int
           END AS name
    FROM generate_series(1, :total) AS n
) AS made JOIN services AS s USING (name)
ORDER BY n
"""
_STEPS = """
INSERT INTO steps (deployment_id, position, name, declared, state, started_at,
                   finished_at)
SELECT d.id, n, 'step ' || n, true, 'success', d.created_at + n * interval '10 s',
       d.created_at + n * interval '10 s' + random() * interval '10 s'
FROM deployments AS d CROSS JOIN generate_series(1, :each) AS n
ORDER BY d.id, n
"""
_EVENTS = """
INSERT INTO events (deployment_id, number, at, kind, text)
SELECT d.id, n, d.created_at, 'output', 'a line'
FROM deployments AS d CROSS JOIN generate_series(1, 2) AS n
ORDER BY d.id, n
"""


def measure(rounds: int) -> list[Any]:
    """Build the history, then measure the queries of every page."""
    with temporary_installation() as here:
        begun = time.monotonic()
        fill(here.store, DEPLOYMENTS)
        built = round(time.monotonic() - begun, 1)
        return [
            _row(here.store, name, [page() for _ in range(rounds * TIMES)], built)
            for name, page in pages(here.store, DEPLOYMENTS).items()
        ]


def fill(store: Store, total: int, steps_each: int = STEPS_EACH) -> None:
    """Write a history of `total` deployments, then vacuum and analyze the tables."""
    with store.begin() as db:
        names = [f"service-{number}" for number in range(SERVICES)]
        found = [
            services.FoundService(name, _service(name)) for name in [*names, QUIET]
        ]
        services.put(db, found, node="bench")
        # Skip the foreign key checks of millions of rows, which are known to be valid.
        db.execute(text("SET LOCAL session_replication_role = replica"))
        # Make the same history every time.
        db.execute(text("SELECT setseed(0.5)"))
        db.execute(text(_DEPLOYMENTS), {"total": total, "services": SERVICES})
        db.execute(text(_STEPS), {"each": steps_each})
        db.execute(text(_EVENTS))
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM (ANALYZE) deployments, steps, events, services"))


def pages(store: Store, total: int) -> dict[str, Callable[[], Page]]:
    """Return a function for each page, which chooses its filter and offset randomly."""
    chance = random.Random(1)

    def service() -> str:
        return f"service-{int(SERVICES * chance.random() ** 3)}"

    def person() -> str:
        return f"person-{int(50 * chance.random() ** 3)}"

    def place() -> int:
        return chance.randrange(total // 50, total)

    def show(name: str, before: int | None = None) -> Page:
        return partial(_service_page, store, name, before)

    def plain(before: int | None = None) -> Page:
        return partial(history.page, store, before=before, limit=PAGE)

    def listed(wanted: Filter, before: int | None = None) -> Page:
        return partial(history.views, store, wanted, before=before, limit=PAGE)

    def day(wanted: Filter) -> Filter:
        """Restrict a filter to a random day."""
        begin = datetime.now(UTC) - timedelta(minutes=chance.randrange(2000, total))
        return replace(wanted, since=begin, until=begin + timedelta(days=1))

    failed, running, browser = Status.FAILED, Status.RUNNING, Origin.BROWSER
    return {
        "overview": lambda: partial(overview.look, store),
        "history": plain,
        "history, further back": lambda: plain(place()),
        "service": lambda: show(service()),
        "service, further back": lambda: show(service(), place()),
        "service last deployed long ago": lambda: show(QUIET),
        "deployment": lambda: partial(output.page, store, place(), None, 1000),
        "list": lambda: listed(ANY),
        "list, further back": lambda: listed(ANY, place()),
        "list by service": lambda: listed(Filter(service())),
        "list by service, further back": lambda: listed(Filter(service()), place()),
        "list by service of long ago": lambda: listed(Filter(QUIET)),
        "list by status": lambda: listed(Filter(status=failed)),
        "list by status, further back": lambda: listed(Filter(status=failed), place()),
        "list of what goes on": lambda: listed(Filter(status=running)),
        "list of what waits": lambda: listed(Filter(status=Status.QUEUED)),
        "list by actor": lambda: listed(Filter(actor=person())),
        "list by actor, further back": lambda: listed(Filter(actor=person()), place()),
        "list by actor of long ago": lambda: listed(Filter(actor=GONE)),
        "list by origin": lambda: listed(Filter(origin=Origin.BROWSER)),
        "list by origin of long ago": lambda: listed(Filter(origin=FORMER)),
        "list by service and status": lambda: listed(Filter(service(), failed)),
        "list by service of long ago and status": lambda: listed(Filter(QUIET, failed)),
        "list by actor and status": lambda: listed(
            Filter(actor=person(), status=failed)
        ),
        "list by actor of long ago and status": lambda: listed(
            Filter(actor=GONE, status=failed)
        ),
        "list by service and actor": lambda: listed(Filter(service(), actor=person())),
        "list by service and origin": lambda: listed(Filter(service(), origin=browser)),
        "list by actor and origin": lambda: listed(
            Filter(actor=person(), origin=browser)
        ),
        "list by status and origin": lambda: listed(
            Filter(status=failed, origin=browser)
        ),
        "list by service, status and origin": lambda: listed(
            Filter(service(), failed, origin=browser)
        ),
        "list by service, actor and origin": lambda: listed(
            Filter(service(), actor=person(), origin=browser)
        ),
        "list by service, actor and status": lambda: listed(
            Filter(service(), failed, person())
        ),
        "list by actor, status and origin": lambda: listed(
            Filter(status=failed, actor=person(), origin=browser)
        ),
        "list by all": lambda: listed(Filter(service(), failed, person(), browser)),
        "list by all, further back": lambda: listed(
            Filter(service(), failed, person(), browser), place()
        ),
        "list by service and actor that never failed": lambda: listed(
            Filter("service-0", failed, ROBOT)
        ),
        "list by actor that never failed": lambda: listed(
            Filter(status=failed, actor=ROBOT)
        ),
        "list by actor and origin that never met": lambda: listed(
            Filter(actor=ROBOT, origin=browser)
        ),
        "list by service, actor and origin that never met": lambda: listed(
            Filter("service-0", actor=ROBOT, origin=browser)
        ),
        "list by time": lambda: listed(day(ANY)),
        "list by service and time": lambda: listed(day(Filter(service()))),
        "list by all and time": lambda: listed(
            day(Filter(service(), failed, person(), browser))
        ),
        "list by a time before all": lambda: listed(
            Filter(actor=ROBOT, until=datetime(1970, 1, 2, tzinfo=UTC))
        ),
        "search": lambda: listed(Filter(text="1.2.3")),
        "search for nothing": lambda: listed(Filter(text=NOWHERE)),
        "search for nothing, further back": lambda: listed(
            Filter(text=NOWHERE), place()
        ),
        "search for nothing by service": lambda: listed(
            Filter(service(), text=NOWHERE)
        ),
        "search for nothing by service, further back": lambda: listed(
            Filter(service(), text=NOWHERE), place()
        ),
        "search for nothing by actor and origin": lambda: listed(
            Filter(actor=ROBOT, origin=Origin.API, text=NOWHERE), place()
        ),
        "search for nothing by status": lambda: listed(
            Filter(status=failed, text=NOWHERE), place()
        ),
        "search by service and time": lambda: listed(
            day(Filter(service(), text="exit code"))
        ),
        "list by two that never met": lambda: listed(Filter(QUIET, actor="person-0",
                                                            status=running)),
    }  # fmt: skip


def _row(store: Store, name: str, calls: list[Page], built: float) -> Any:
    milliseconds = []
    for call in calls:
        with listening(store.engine) as recorded:
            call()
        milliseconds.append(recorded.seconds * 1000)
    with store.begin() as db:
        plan = "; ".join(
            ", ".join(map(str, scans(db, statement)))
            for statement in recorded.statements
        )
    found = quantiles(milliseconds, n=100)
    wrong = problems(store, name, calls[-1])
    return row(
        f"ms in PostgreSQL among {DEPLOYMENTS:,} deployments, p95: {name}",
        found[94],
        "under 50, by indexes",
        holds=found[94] < 50 and not wrong,
        p50=round(found[49], 2),
        statements=len(recorded.statements),
        plan=plan,
        problems=wrong,
        seconds_to_build=built,
    )


def _service_page(store: Store, name: str, before: int | None) -> None:
    service_page.look(store, name)
    history.page_with_actors(store, Filter(name), name, before=before, limit=PAGE)


def _service(name: str) -> Service:
    return Service.model_validate(
        {
            "name": name,
            "description": "A service whose config is about as long as usual. " * 4,
            "deploy_script": "deploy.py",
            "steps": [{"name": f"step {n}"} for n in range(1, STEPS_EACH + 1)],
            "variables": {
                "type": "object",
                "properties": {"version": {"type": "string", "default": "1.2.3"}},
            },
        }
    )
