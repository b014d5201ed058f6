"""(o) The overview with 500 services: the server's time for it, and its first paint.

The time of a request is what a client on this machine waits for. It includes what the
client and other programs take from the processors. So a row also has the CPU time of
the web process with its connections: the least that a request can take.

Half of the services run in two environments of a project. Each has a history of
deployments, some of which failed, and labels.
"""

import time
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import text

from app.domain.service import Service
from app.store import services
from app.store.services import FoundService
from app.store.store import Store
from bench.cpu_time import of_processes, pids_of_connections
from bench.page import FLAGS
from bench.rows import UNMEASURED, row
from testing.browser import chromium_program
from testing.supervised import SupervisedInstallation, temporary_installation

FEW, MANY = 10, 500
#: Requests and visits in a round, in turn, so that noise affects both.
REQUESTS, VISITS = 60, 12
#: Deployments of each service in each environment.
DEPLOYMENTS = 12
#: The requests whose time is measured.
PATHS = {
    "all services": "/overview",
    "a search": "/overview?text=service+4&sort=latest",
    "filters and groups": "/overview?status=failed&label=team:web&group=project",
}

_DEPLOYMENTS = """
INSERT INTO deployments (service_id, config, status, reason, actor, origin, variables,
                         node, created_at, started_at, finished_at, exit_code,
                         last_event)
SELECT s.id, s.config, status,
       CASE WHEN status = 'failed' THEN
           'exit code 2 in step Install packages: No package matching nginx-full is '
           'available' ELSE '' END,
       CASE WHEN n % 3 = 0 THEN 'grace' ELSE 'ada' END, 'browser',
       jsonb_build_object('version', '1.' || n || '.' || s.id % 10), 'bench',
       at, at, at + interval '90 s', 0, 2
FROM (
    SELECT s.id, s.config, n, now() - (:each - n) * interval '1 day'
           - s.id * interval '7 min' AS at,
           CASE WHEN (s.id * 7 + n * 5) % 17 = 0 THEN 'failed'
                WHEN (s.id + n) % 41 = 0 THEN 'canceled'
                ELSE 'successful' END AS status
    FROM services AS s CROSS JOIN generate_series(1, :each) AS n
) AS s ORDER BY at
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """The ms of a request: those that the client waited, and the server's CPU time."""

    total: float
    cpu: float


def measure(rounds: int) -> list[Any]:
    """Measure the overview with few and with many services, in turn."""
    with temporary_installation("web") as few, temporary_installation("web") as many:
        fill(few.store, FEW)
        fill(many.store, MANY)
        return [*_server(few, many, rounds), _browser(few, many, rounds)]


def fill(store: Store, count: int, deployments: int = DEPLOYMENTS) -> None:
    """Add this number of services with deployments, then analyze the tables."""
    found = [each for number in range(count) for each in _service(number)]
    with store.begin() as db:
        services.put(db, found, node="bench")
        db.execute(text(_DEPLOYMENTS), {"each": deployments})
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM (ANALYZE) deployments, services"))
        # Otherwise PostgreSQL would write what was added while requests are measured.
        db.execute(text("CHECKPOINT"))


def _service(number: int) -> list[FoundService]:
    """Return a service alone, or in both environments of a project."""
    team = ("web", "data", "base")[number % 3]
    names = [f"service-{number:03}"]
    if number % 2:
        project = f"{team}-{number // 60}"
        names = [
            f"{project}/service-{number:03}@{environment}"
            for environment in ("production", "staging")
        ]
    config = {
        "description": "A service whose config is about as long as usual. " * 4,
        "labels": [f"team:{team}", f"tier-{number % 4}"],
        "deploy_script": "deploy.py",
        "steps": [{"name": f"step {n}"} for n in range(1, 6)],
        "variables": {"type": "object", "properties": {"version": {"type": "string"}}},
    }
    return [
        FoundService(name, Service.model_validate({"name": name, **config}))
        for name in names
    ]


def _server(
    few: SupervisedInstallation, many: SupervisedInstallation, rounds: int
) -> list[Any]:
    return [
        _times(few, many, name, path, rounds * REQUESTS) for name, path in PATHS.items()
    ]


def _times(
    few: SupervisedInstallation,
    many: SupervisedInstallation,
    name: str,
    path: str,
    times: int,
) -> Any:
    taken: dict[int, list[Taken]] = {FEW: [], MANY: []}
    for number in range(UNMEASURED + times):
        for count, here in ((FEW, few), (MANY, many)):
            request = _request(here, path)
            if number >= UNMEASURED:
                taken[count].append(request)
    slowest = _p95([one.total for one in taken[MANY]])
    medians = {
        count: median(one.total for one in each) for count, each in taken.items()
    }
    cpu = [one.cpu for one in taken[MANY]]
    return row(
        f"ms for the overview of {MANY} services, p95: {name}",
        slowest,
        "at most 50",
        holds=slowest <= 50,
        p50=round(medians[MANY], 1),
        cpu_p50=round(median(cpu), 1),
        cpu_p95=round(_p95(cpu), 1),
        p50_with_few=round(medians[FEW], 1),
        times_that_with_few=round(medians[MANY] / medians[FEW], 2),
    )


def _request(here: SupervisedInstallation, path: str) -> Taken:
    server = [here.processes["web"].pid, *pids_of_connections(here.store)]
    used, begun = of_processes(server), time.perf_counter()
    here.api.get(path).raise_for_status()
    total = time.perf_counter() - begun
    return Taken(total * 1000, (of_processes(server) - used) * 1000)


def _p95(values: list[float]) -> float:
    return quantiles(values, n=100)[94]


def _browser(
    few: SupervisedInstallation, many: SupervisedInstallation, rounds: int
) -> Any:
    paints: dict[int, list[float]] = {FEW: [], MANY: []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_program(), args=list(FLAGS)
        )
        for _ in range(rounds * VISITS):
            for count, here in ((FEW, few), (MANY, many)):
                paints[count].append(_first_paint(browser, here))
        browser.close()
    medians = {count: median(values) for count, values in paints.items()}
    ratio = medians[MANY] / medians[FEW]
    return row(
        f"times the first paint with {FEW} services: the overview with {MANY}",
        ratio,
        "at most 1.3",
        holds=ratio <= 1.3,
        first_contentful_paint_ms=round(medians[MANY]),
        with_few_ms=round(medians[FEW]),
    )


#: Waits for the first contentful paint. `wait_for_function` would evaluate text as a
#: script, which the Content-Security-Policy of the pages forbids.
_PAINT = """
() => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    if (paint) resolve(paint.startTime);
  }).observe({ type: "paint", buffered: true });
})
"""


def _first_paint(browser: Browser, here: SupervisedInstallation) -> float:
    """Return the ms until the first contentful paint of a visit without cache."""
    context = browser.new_context(
        base_url=str(here.api.base_url),
        extra_http_headers={"Authorization": here.api.headers["Authorization"]},
        viewport={"width": 1280, "height": 800},
    )
    page = context.new_page()
    page.goto("/", wait_until="load")
    paint: float = page.evaluate(_PAINT)
    context.close()
    return paint
