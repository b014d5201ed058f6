"""A person with a browser: log in, launch, watch it to its end."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.domain.deployment import Status
from app.usecases import services
from testing.browser import deployment_on, log_in, visit
from testing.installation import Installation, installed
from testing.paths import ROOT
from testing.postgres import Postgres
from testing.seeding import make_user
from testing.waiting import eventually

#: Prints a line that would show if it were taken for markup, then waits for a file.
_SLOW = """\
#!/usr/bin/env python3
import json, pathlib, sys, time
config = json.load(open(sys.argv[2]))
gate = pathlib.Path(config["context"]["variables"]["gate"])
print(json.dumps({"name": "prepare", "state": "running"}), flush=True)
print("<img src=x onerror=document.title='hacked'> \\x1b[31mred\\x1b[0m", flush=True)
while not gate.exists():
    time.sleep(0.01)
print("behind the gate", flush=True)
print(json.dumps({"name": "prepare", "state": "success"}), flush=True)
"""


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with the bundled services and a user."""
    with installed(postgres, tmp_path_factory.mktemp("browser")) as made:
        shutil.copytree(ROOT / "services", made.services, dirs_exist_ok=True)
        prepare(made)
        made.worker()
        made.web()
        yield made


def prepare(made: Installation) -> None:
    """A service that waits for a file, and a user."""
    gate = {"properties": {"gate": {"type": "string"}}}
    made.write_service("slow", _SLOW, variables=gate,
                       steps=[{"name": "prepare"}, {"name": "never"}])  # fmt: skip
    made.write_service("failing", "#!/bin/sh\nexit 3\n")
    make_user(made)


@pytest.fixture
def page(browser: Browser, site: Installation) -> Iterator[Page]:
    """A page of a new visitor of the shared installation."""
    with visit(browser, site.url) as opened:
        yield opened


def test_a_person_logs_in_launches_a_playbook_and_sees_it_finish(
    page: Page, tmp_path: Path
) -> None:
    page.goto("/services/static-site")
    log_in(page)

    # The link that was asked for has survived the login.
    expect(page.get_by_role("heading", name="static-site")).to_be_visible()
    page.get_by_label("Folder").fill(str(tmp_path / "site"))
    page.get_by_role("button", name="Launch").click()
    status = page.locator('[data-live="status"]')
    expect(status).to_contain_text("running")
    expect(status).to_contain_text("successful")

    number = deployment_on(page)
    expect(page).to_have_title(f"✔ static-site #{number} · FastDeploy")
    expect(page.locator("link[rel=icon]")).to_have_attribute(
        "href", re.compile("successful")
    )
    expect(page.locator('[data-live="steps"] li[data-status="success"]')).to_have_count(
        4
    )
    expect(page.locator('[data-live="output"]')).to_contain_text("PLAY RECAP")
    expect(page.locator('[data-live="timing"]')).to_contain_text("Where time went")
    # The stream ends after the last line.
    expect(page.locator('[data-live="connection"]')).to_have_text("Ended")
    live = page.locator('[data-live="output"]').inner_text()
    page.reload()
    assert live == page.locator('[data-live="output"]').inner_text()
    page.get_by_role("link", name="Artifacts").click()
    expect(page.get_by_text("stdout", exact=True)).to_be_visible()
    assert (tmp_path / "site" / "current" / "index.html").exists()


def test_output_comes_while_it_happens_and_is_never_markup(
    page: Page, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    page.goto("/services/slow")
    log_in(page)
    page.get_by_label("gate").fill(str(gate))
    page.get_by_role("button", name="Launch").click()

    output = page.locator('[data-live="output"]')
    expect(output).to_contain_text("<img src=x onerror=document.title='hacked'>")
    expect(output.locator(".ansi-fg-red")).to_have_text("red")
    expect(output).not_to_contain_text("behind the gate")
    gate.touch()
    expect(output).to_contain_text("behind the gate")

    expect(page.locator('[data-live="status"]')).to_contain_text("successful")
    expect(page.locator('[data-live="steps"]')).to_contain_text("skipped")
    assert 0 == page.locator("img").count()
    assert "hacked" not in page.title()


def test_a_page_goes_on_behind_what_it_has_when_web_was_restarted(
    browser: Browser, installation: Installation, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    prepare(installation)
    installation.worker()
    web = installation.web()
    with visit(browser, installation.url) as page:
        page.goto("/services/slow")
        log_in(page)
        page.get_by_label("gate").fill(str(gate))
        page.get_by_role("button", name="Launch").click()
        output = page.locator('[data-live="output"]')
        expect(output).to_contain_text("onerror")

        web.kill()
        expect(page.get_by_text("Connection lost")).to_be_visible()
        toast = page.locator(".toast")
        expect(toast).to_contain_text("Reconnecting")
        gate.touch()
        # What the page says of it goes after seconds: look at it meanwhile.
        installation.start("web")

        expect(toast).to_contain_text("Reconnected")
        expect(page.locator('[data-live="status"]')).to_contain_text("successful")
        expect(output).to_contain_text("behind the gate")
        expect(page.locator('[data-live="connection"]')).to_have_text("Ended")
        assert 1 == output.inner_text().count("onerror")
        assert 1 == output.inner_text().count("behind the gate")


def test_everything_can_be_done_without_javascript(
    browser: Browser, site: Installation
) -> None:
    with visit(browser, site.url, java_script_enabled=False) as page:
        page.goto("/")
        log_in(page)
        page.get_by_role("button", name="Sync services").click()
        expect(page.get_by_text("0 invalid")).to_be_visible()
        page.get_by_role("link", name="hello", exact=True).click()
        # The overview has buttons whose names begin with Launch, too.
        expect(page).to_have_url(f"{site.url}/services/hello")
        page.get_by_role("button", name="Launch hello", exact=True).click()

        site.ended(deployment_on(page))
        page.reload()

        expect(page.locator('[data-live="status"]')).to_contain_text("successful")
        expect(page.locator('[data-live="output"]')).to_contain_text("Hello, world!")


def test_the_fleet_is_healthy_if_no_host_has_to_fail(
    page: Page, site: Installation, tmp_path: Path
) -> None:
    page.goto("/services/fleet")
    log_in(page)
    page.get_by_label("Folder").fill(str(tmp_path / "fleet"))
    page.get_by_label("Limit").fill("web01")
    expect(page.get_by_label("Failing host")).to_have_value("")
    page.get_by_role("button", name="Launch").click()
    number = deployment_on(page)

    ended = site.ended(number, 170)

    assert Status.SUCCESSFUL is ended.status, site.output(number).decode()
    assert "" == ended.variables["failing_host"]
    assert b"1 of 1 hosts" in site.output(number)


def test_a_cancel_asks_first_also_without_javascript(
    browser: Browser, site: Installation, tmp_path: Path
) -> None:
    number = site.launch("slow", gate=str(tmp_path / "gate"))
    eventually(lambda: site.status(number) is Status.RUNNING)
    with visit(browser, site.url, java_script_enabled=False) as page:
        page.goto(f"/deployments/{number}")
        log_in(page)
        question = page.get_by_role("dialog", name="Cancel this deployment?")
        expect(question).to_be_hidden()

        page.get_by_role("button", name="Cancel …").click()
        page.get_by_role("button", name="Keep it").click()
        expect(question).to_be_hidden()
        assert Status.RUNNING is site.status(number)

        page.get_by_role("button", name="Cancel …").click()
        page.get_by_role("button", name="Cancel deployment").click()
        assert Status.CANCELED is site.ended(number).status


def test_a_link_to_a_line_survives_the_login(page: Page, site: Installation) -> None:
    number = site.run("hello").id

    page.goto(f"/deployments/{number}#e3")
    log_in(page)

    expect(page).to_have_url(f"{site.url}/deployments/{number}#e3")
    expect(page.locator(".line:target")).to_be_visible()


def test_paper_has_all_of_a_deployment_and_no_controls(
    page: Page, site: Installation
) -> None:
    number = site.run("hello").id
    page.goto(f"/deployments/{number}")
    log_in(page)
    output = page.locator('[data-live="output"]')
    expect(output).to_be_visible()

    page.emulate_media(media="print", color_scheme="dark")

    assert 0 == page.locator("button:visible, nav:visible, form:visible").count()
    assert output.evaluate("(e) => e.scrollHeight <= e.clientHeight")
    # No empty line stands between two lines.
    assert output.evaluate(
        """(e) => [...e.querySelectorAll(".line + .line")].every((line) =>
            line.getBoundingClientRect().top - 1 <=
            line.previousElementSibling.getBoundingClientRect().bottom)"""
    )
    assert "rgba(0, 0, 0, 0)" == page.evaluate(
        "getComputedStyle(document.documentElement).backgroundColor"
    )


def test_every_service_has_a_page(page: Page, site: Installation) -> None:
    page.goto("/")
    log_in(page)

    for listed in services.list_services(site.store):
        page.goto(f"/services/{listed.entry.name}")
        expect(page.get_by_role("heading", level=1)).to_have_text(listed.entry.name)


def test_the_overview_keeps_itself_up_to_date(page: Page, site: Installation) -> None:
    page.goto("/")
    log_in(page)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    number = site.launch("failing")

    name = "Last deployments of failing, newest last: 1 failed"
    expect(page.get_by_role("img", name=name)).to_be_visible()
    row = page.get_by_role("row", name="Favourite failing")
    expect(row.get_by_role("link", name=f"failed deployment {number}")).to_be_visible()
    expect(row.locator(".service-row-why")).to_have_attribute(
        "href", f"/deployments/{number}"
    )
