"""A deployment's page while its run prints hundreds of lines a second."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.domain.deployment import Status
from testing.browser import NARROW, WIDE, log_in, violations, visit
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user
from testing.waiting import eventually

#: Prints 300 lines a second until a file is there; each fifth is a result on a host.
_BUSY = """\
#!/usr/bin/env python3
import json, pathlib, sys, time, uuid
gate = pathlib.Path(json.load(open(sys.argv[2]))["context"]["variables"]["gate"])
def event(counter, name, stdout, **data):
    print(json.dumps({"uuid": str(uuid.UUID(int=counter)), "counter": counter,
                      "event": name, "stdout": stdout, "event_data": data}))
line = 0
while not gate.exists():
    line += 1
    step = "build" if line < 400 else "work"
    task, host = f"{step} | Task {line // 20}", f"host{line // 5 % 4:02}"
    if line % 20 == 0:
        event(line, "playbook_on_task_start", f"TASK [{task}]", task=task)
    elif line % 5 == 1:
        event(line, "runner_on_ok", f"\\x1b[0;32mok: [{host}]\\x1b[0m", task=task,
              host=host, res={"changed": line % 3 == 0})
    else:
        print("a line of output that says what is being done, number", line)
    if line % 15 == 0:
        sys.stdout.flush()
        time.sleep(0.05)
"""
#: Notes what moves without having been touched, from the first frame on.
_OBSERVE = """
window.moved = [];
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
        window.moved.push([entry.value, entry.sources.map((source) =>
            source.node?.outerHTML?.slice(0, 120) ?? source.node?.nodeName)]);
    }
}).observe({type: "layout-shift", buffered: true});
"""
#: What a movement has to amount to, of the window, to be seen: a duration that is a
#: digit longer is less.
_SEEN = 0.001
#: More lines, and more tasks, than the page holds of them: the whole first step goes.
_MANY = 2500


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with a service that prints much."""
    with installed(postgres, tmp_path_factory.mktemp("busy")) as made:
        made.write_service(
            "busy", _BUSY, steps=[{"name": "build"}, {"name": "work"}],
            variables={"properties": {"gate": {"type": "string"}}},
        )  # fmt: skip
        make_user(made)
        made.worker()
        made.web()
        yield made


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """What lets the run go, at the latest when the test has ended."""
    file = tmp_path / "gate"
    yield file
    file.touch()


@pytest.mark.parametrize("window", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_busy_page_can_be_used_and_nothing_on_it_moves(
    browser: Browser, site: Installation, gate: Path, window: dict[str, int]
) -> None:
    with visit(browser, site.url, viewport=window) as page:
        page.add_init_script(_OBSERVE)
        page.goto("/login")
        log_in(page)
        number = site.launch("busy", gate=str(gate))
        # A page that shows another status has another header.
        eventually(lambda: site.status(number) is Status.RUNNING)
        page.goto(f"/deployments/{number}")
        expect(page.locator("[data-live=status]")).to_contain_text("running")
        wait_for_line(page, 300)

        assert [] == violations(page)
        wait_for_line(page, _MANY)
        assert [] == violations(page)

        assert Status.RUNNING is site.status(number)
        expect(page.get_by_role("button", name="Retry")).to_be_hidden()
        assert [] == [m for m in page.evaluate("window.moved") if m[0] >= _SEEN]
        gate.touch()
        expect(page.locator("[data-live=status]")).to_contain_text("successful")
        expect(page.get_by_role("button", name="Retry")).to_be_visible()
        expect(page.get_by_role("button", name="Cancel …")).to_be_hidden()


def wait_for_line(page: Page, number: int) -> None:
    """Wait until the page shows a line of at least this number."""
    page.wait_for_function(
        """(number) => {
            const lines = document.querySelectorAll("[data-live=output] .line");
            return Number([...lines].at(-1)?.id.slice(1) ?? 0) >= number;
        }""",
        arg=number,
    )
