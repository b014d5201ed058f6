"""(i) A deployment's page: the server's time for it, its size, and its live updates.

The server's time must not depend on the number of events. The browser shows a run that
prints 500 lines a second, a fifth of them Ansible events.
"""

import os
import time
from datetime import UTC, datetime
from itertools import islice
from statistics import median
from typing import Any

import orjson
from playwright.sync_api import Browser, Page, sync_playwright

from app.domain.deployment import Deployment
from app.store.events import Occurrence
from app.usecases import deploy, record
from app.usecases.record import Place
from app.worker.translate import translate
from bench.rows import row
from testing.browser import chromium_program
from testing.supervised import SupervisedInstallation, temporary_installation

FEW, MANY = 1_000, 100_000
HOSTS = 10
#: Requests for each page in a round, in turn, so that noise affects both.
TIMES = 40
#: Lines a second, and the seconds for which the browser shows the page.
RATE, SECONDS = 500, 12
_BATCH = 1_000
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_PROGRAM = f"""\
#!/usr/bin/env python3
import json, sys, time, uuid
def event(counter, name, stdout, **data):
    print(json.dumps({{"uuid": str(uuid.UUID(int=counter)), "counter": counter,
                      "event": name, "stdout": stdout, "event_data": data}}))
begun, line = time.monotonic(), 0
while line < {RATE * (SECONDS + 3)}:
    task = f"work | Task {{line // 50}}"
    host = f"host{{line // 5 % {HOSTS}:02}}"
    if line % 50 == 0:
        event(line + 1, "playbook_on_task_start", f"TASK [{{task}}]", task=task)
    elif line % 5 == 0:
        event(line + 1, "runner_on_ok", f"\\x1b[0;32mok: [{{host}}]\\x1b[0m", task=task,
              host=host, res={{"changed": False}})
    else:
        print("a line of output that says what is being done, of a usual length", line)
    line += 1
    if line % 25 == 0:
        sys.stdout.flush()
        time.sleep(max(begun + line / {RATE} - time.monotonic(), 0))
"""
#: Records Chromium's tasks of more than 50 ms on the main thread, and layout shifts.
_OBSERVE = """
window.blocked = [];
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.blocked.push(entry.duration);
}).observe({type: "longtask", buffered: true});
window.shifted = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput)
        window.shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""


def measure(rounds: int) -> list[Any]:
    """Measure the page with few and with many events, then a live one in a browser."""
    # Without a worker, which would run the deployments that are recorded here.
    with temporary_installation("web") as here:
        server = _server(here, rounds)
    with temporary_installation("worker", "web") as here:
        return [server, *_browser(here, rounds)]


def _server(here: SupervisedInstallation, rounds: int) -> Any:
    here.write_files("page", {"deploy.py": "#!/bin/sh\n"}, deploy_script="deploy.py")
    paths = {count: f"/deployments/{_recorded(here, count)}" for count in (FEW, MANY)}
    taken: dict[int, list[float]] = {FEW: [], MANY: []}
    for _ in range(rounds * TIMES):
        for count, path in paths.items():
            begun = time.perf_counter()
            here.api.get(path).raise_for_status()
            taken[count].append((time.perf_counter() - begun) * 1000)
    few, many = (median(taken[count]) for count in (FEW, MANY))
    return row(
        f"ms for the page of a deployment with {MANY:,} events",
        many,
        f"under 200, and at most 1.3 times that with {FEW:,}",
        holds=many < 200 and many <= few * 1.3,
        with_few=round(few, 1),
        times_that_with_few=round(many / few, 2),
    )


def _browser(here: SupervisedInstallation, rounds: int) -> list[Any]:
    here.write_files("busy", {"deploy.py": _PROGRAM}, deploy_script="deploy.py",
                     steps=[{"name": "work"}])  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_program(), args=list(FLAGS)
        )
        found = [_look(here, browser, here.launch("busy")) for _ in range(rounds)]
        browser.close()
    kilobytes, paint, blocked, shifted = (
        median(values) for values in zip(*found, strict=True)
    )
    return [
        row("kB for the first view of a deployment's page, without cache", kilobytes,
            "at most 150", holds=kilobytes <= 150),
        row(f"ms that {SECONDS} s of a run with {RATE} lines/s block the browser",
            blocked, "at most 200", holds=blocked <= 200,
            first_contentful_paint_ms=round(paint),
            layout_shift=round(shifted, 4), cores=os.cpu_count()),
    ]  # fmt: skip


def _look(
    here: SupervisedInstallation, browser: Browser, number: int
) -> tuple[float, ...]:
    """Return kB, first paint, blocked time and layout shift of one visit to a run."""
    deadline = time.monotonic() + 30
    while deploy.find(here.store, number).last_event < RATE:
        assert time.monotonic() < deadline, "the run has not started"
        time.sleep(0.05)
    context = browser.new_context(
        base_url=str(here.api.base_url),
        extra_http_headers={"Authorization": here.api.headers["Authorization"]},
    )
    page = context.new_page()
    received: list[float] = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on(
        "Network.loadingFinished",
        lambda told: received.append(told["encodedDataLength"]),
    )
    page.add_init_script(_OBSERVE)
    page.goto(f"/deployments/{number}", wait_until="load")
    first_view = sum(received)
    page.wait_for_timeout(SECONDS * 1000)
    assert page.locator(".line").count() > RATE, "the page is not live"
    found = _figures(page)
    context.close()
    here.wait(number)
    return first_view / 1000, *found


def _figures(page: Page) -> tuple[float, float, float]:
    paint, blocked, shifted = page.evaluate(
        """() => [
            performance.getEntriesByName("first-contentful-paint")[0].startTime,
            window.blocked.reduce((sum, ms) => sum + Math.max(ms - 50, 0), 0),
            window.shifted,
        ]"""
    )
    return paint, blocked, shifted


def _recorded(here: SupervisedInstallation, count: int) -> int:
    """Record a deployment with `count` events on ten hosts, of which one failed."""
    number = here.launch("page")
    begun = record.mark_starting(here.store, number, "bench").deployment
    deployment: Deployment = record.mark_running(here.store, begun)
    steps = record.stored_steps(here.store, number)
    place = Place(deployment.journal_offset, deployment.last_event)
    lines = _lines(count)
    while batch := list(islice(lines, _BATCH)):
        now = datetime.now(UTC)
        events = map(translate, batch)
        taken = [Occurrence(now, event, steps.apply(event, now)) for event in events]
        place = record.record(
            here.store, number,
            was=place,
            offset=place.offset + sum(map(len, batch)),
            batch=taken,
            changed=steps.take_changed(),
        )  # fmt: skip
    record.finish(here.store, number, 2)
    return number


def _lines(count: int) -> Any:
    """Yield the journal of a run: a task, then the start and result of each host."""
    task = ""
    for number in range(count):
        place = number % (2 * HOSTS + 1)
        host = f"host{place // 2:02}"
        if place == 2 * HOSTS:
            task = f"work | Task {number}"
            yield _line(number, "playbook_on_task_start", f"TASK [{task}]", task=task)
        elif place % 2:
            name = "failed" if number > count - 2 * HOSTS and host == "host03" else "ok"
            yield _line(number, f"runner_on_{name}", f"\x1b[0;32m{name}: [{host}]",
                        task=task, host=host, res={"changed": number % 3 == 0,
                                                   "msg": "x" * 500})  # fmt: skip
        else:
            yield _line(number, "runner_on_start", "", task=task, host=host)


def _line(number: int, event: str, stdout: str, **data: object) -> bytes:
    return orjson.dumps(
        {
            "uuid": f"00000000-0000-4000-8000-{number:012x}",
            "counter": number + 1,
            "event": event,
            "stdout": stdout,
            "event_data": {"play": "Bench", **data},
        }
    )
