"""The page of one deployment: its tabs, its steps, and what it shows while it runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.domain.deployment import Status
from testing.browser import WIDE, log_in, violations, visit
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user
from testing.waiting import eventually

pytestmark = pytest.mark.timeout(240)

#: Reports tasks on three hosts, of which one is rescued, waits for a file, and ends.
_SHIP = """\
#!/usr/bin/env python3
import json, pathlib, sys, time, uuid
variables = json.load(open(sys.argv[2]))["context"]["variables"]
gate, code = pathlib.Path(variables["gate"]), int(variables["code"])
counter = 0
def event(name, **data):
    global counter
    counter += 1
    said = " ".join([name, data.get("task", ""), data.get("host", "")])
    print(json.dumps({"uuid": str(uuid.UUID(int=counter)), "counter": counter,
                      "event": name, "stdout": said, "event_data": data}), flush=True)
def work(step):
    for task in (f"{step} | Copy", f"{step} | Look"):
        event("playbook_on_task_start", task=task)
        for host in ("web3", "web1", "web2"):
            bad = step == "build" and host == "web2" and task.endswith("Look")
            event("runner_on_failed" if bad else "runner_on_ok", task=task, host=host,
                  res={"changed": False, "msg": "refused" if bad else ""})
work("build")
while not gate.exists():
    time.sleep(0.01)
work("switch")
if code:
    event("playbook_on_task_start", task="switch | Ask")
    event("runner_on_failed", task="switch | Ask", host="web1",
          res={"changed": False, "msg": "The page answered 500"})
event("playbook_on_stats", ok={"web1": 5, "web2": 3, "web3": 4}, rescued={"web2": 1},
      failures={"web1": 1} if code else {})
sys.exit(code)
"""
#: Waits for its gate, then fails on a host.
_PATCH = """
- hosts: all
  gather_facts: false
  connection: local
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - name: Wait
      ansible.builtin.wait_for: {path: "{{ gate }}", timeout: 300}
    - name: Ask
      ansible.builtin.fail: {msg: The page answered 500}
      when: inventory_hostname == "web1"
"""
#: Notes what moves without having been touched, from the first frame on.
_OBSERVE = """
window.moved = [];
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput)
        window.moved.push([entry.value, entry.sources.map((source) =>
            source.node?.outerHTML?.slice(0, 120) ?? source.node?.nodeName)]);
}).observe({type: "layout-shift", buffered: true});
"""
#: The tab that is open at first is the last one: a click on the tab of the page that
#: is shown doesn't change anything for which a test could wait.
TABS = {
    "Results": "/results",
    "Changes": "/changes",
    "Variables": "/variables",
    "Artifacts": "/artifacts",
    "Output": "",
}


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with a service that reports tasks and waits."""
    text = {"type": "string"}
    with installed(postgres, tmp_path_factory.mktemp("live")) as made:
        made.write_service(
            "ship", _SHIP, steps=[{"name": "build"}, {"name": "switch"}],
            variables={"properties": {"gate": text, "code": text | {"default": "0"}}},
        )  # fmt: skip
        made.write_files(
            "patch", {"site.yml": _PATCH, "hosts.ini": "web1\nweb2\n"},
            playbook="site.yml", inventory="hosts.ini",
            variables={"properties": {"gate": text}},
        )  # fmt: skip
        make_user(made)
        made.worker()
        made.web()
        yield made


@pytest.fixture(scope="module")
def ended(site: Installation) -> int:
    """A deployment that has ended."""
    return site.run("ship", gate="/").id


@pytest.mark.parametrize("code", ["0", "3"], ids=["successful", "failed"])
def test_a_watched_page_is_as_if_it_was_loaded_at_every_moment(
    browser: Browser, site: Installation, tmp_path: Path, code: str
) -> None:
    gate = tmp_path / "gate"
    outcome = "failed" if code == "3" else "successful"
    with visit(browser, site.url, viewport=WIDE) as page:
        page.goto("/login")
        log_in(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        number = site.launch("ship", gate=str(gate), code=code)
        eventually(lambda: site.status(number) is Status.RUNNING)
        grid = page.context.new_page()
        grid.goto(f"/deployments/{number}/results")
        page.add_init_script(_OBSERVE)
        page.goto(f"/deployments/{number}")
        expect(page.locator("[data-live=output]")).to_contain_text("build | Look web2")
        expect(grid.locator(".matrix")).to_contain_text("web2")

        require_buttons(page, running=True, outcome=outcome)
        expect(page.get_by_text("End of output.")).to_be_hidden()
        details = page.locator(".status-details")
        details.locator("summary").press("Enter")
        expect(details).to_have_attribute("open", "")
        gate.touch()
        status = page.locator("[data-live=status]")
        expect(status).to_contain_text(outcome)
        expect(page.locator("[data-live=timing]")).to_contain_text("Where time went")

        # What the user has opened remains open.
        expect(details).to_have_attribute("open", "")
        details.locator("summary").press("Enter")
        assert [] == page.evaluate("window.moved")
        require_buttons(page, running=False, outcome=outcome)
        expect(page.get_by_text("End of output.")).to_be_visible()
        expect(status).to_contain_text("1 rescued")
        # The failure is summarized once; it is also in the log, and behind Details.
        said = page.get_by_text("The page answered 500").and_(page.locator(":visible"))
        summary = said.and_(page.locator("[class='failure-message']"))
        expect(summary).to_have_count(int(code != "0"))
        expect(page.locator("[data-live=connection]")).to_have_text("Ended")
        assert said.count() <= 2
        assert [] == violations(page)

        expect(grid.locator(".matrix td[data-status=rescued]")).to_have_count(1)
        loaded = page.context.new_page()
        loaded.goto(f"/deployments/{number}/results")
        expect(loaded.locator(".matrix-host")).to_have_text(["web1", "web2", "web3"])
        expect(grid.locator(".matrix-host")).to_have_text(["web1", "web2", "web3"])
        expected = cells(loaded)
        eventually(lambda: cells(grid) == expected)
        page.reload()
        require_buttons(page, running=False, outcome=outcome)


def test_a_watched_playbook_can_be_continued_as_soon_as_it_has_failed(
    browser: Browser, site: Installation, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with visit(browser, site.url, viewport=WIDE) as page:
        page.goto("/login")
        log_in(page)
        number = site.launch("patch", gate=str(gate))
        eventually(lambda: site.status(number) is Status.RUNNING)
        page.goto(f"/deployments/{number}")
        proceed = page.get_by_role("link", name="Continue …")
        expect(page.get_by_role("button", name="Cancel …")).to_be_visible()
        expect(proceed).to_be_hidden()
        again = page.get_by_role("link", name="Launch again")
        place = again.bounding_box()

        gate.touch()

        expect(proceed).to_be_visible(timeout=60_000)
        expect(page.get_by_role("button", name="Retry")).to_be_visible()
        assert place == again.bounding_box()
        proceed.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Continue or retry")
        expect(page.get_by_text("Runs on web1.").first).to_be_visible()


def require_buttons(page: Page, *, running: bool, outcome: str) -> None:
    """Check that the page offers what can be done, the main action as primary."""
    retry = page.get_by_role("button", name="Retry")
    again = page.get_by_role("link", name="Launch again")
    expect(page.get_by_role("button", name="Cancel …")).to_be_visible(visible=running)
    expect(retry).to_be_visible(visible=not running)
    expect(again).to_be_visible()
    primary = page.locator(".actions .button-primary:visible")
    wanted = "Retry" if outcome == "failed" else "Launch again"
    expect(primary).to_have_text([] if running else [wanted])


def cells(page: Page) -> list[str | None]:
    found: list[str | None] = page.locator(".matrix td").evaluate_all(
        "all => all.map((cell) => cell.dataset.status ?? null)"
    )
    return found


@pytest.mark.parametrize("scripts", [True, False], ids=["javascript", "none"])
def test_the_tabs_are_links_that_can_be_sent(
    browser: Browser, site: Installation, ended: int, *, scripts: bool
) -> None:
    with visit(browser, site.url, java_script_enabled=scripts) as page:
        page.goto(f"/deployments/{ended}")
        log_in(page)
        for name, path in TABS.items():
            tabs = page.get_by_role("navigation", name="Deployment", exact=True)
            tabs.get_by_role("link", name=name, exact=True).click()

            expect(page).to_have_url(f"{site.url}/deployments/{ended}{path}")
            expect(tabs.locator("[aria-current=page]")).to_have_text(name)
            expect(page.get_by_role("heading", name=name, exact=True)).to_be_attached()
            expect(page.locator("[data-live=status]")).to_contain_text("successful")


def test_a_step_unfolds_into_its_output(
    browser: Browser, site: Installation, ended: int
) -> None:
    with visit(browser, site.url, viewport=WIDE) as page:
        page.goto(f"/deployments/{ended}")
        log_in(page)
        line = page.locator(".output .line").filter(has_text="switch | Copy web1")
        page.get_by_role("button", name="Collapse steps").click()
        expect(line).to_be_hidden()

        page.locator("[data-live=steps]").get_by_role("link", name="switch").click()

        expect(line).to_be_visible()
        expect(page).to_have_url(f"{site.url}/deployments/{ended}")
        hidden = page.locator(".output .line").filter(has_text="build | Copy web1")
        expect(hidden).to_be_hidden()


def test_the_output_is_visible_at_once(
    browser: Browser, site: Installation, ended: int
) -> None:
    with visit(browser, site.url, viewport={"width": 1280, "height": 900}) as page:
        page.goto(f"/deployments/{ended}")
        log_in(page)

        box = page.get_by_role("region", name="Output", exact=True).bounding_box()

        assert box is not None
        assert box["y"] <= 300
        assert box["y"] + box["height"] <= 900
