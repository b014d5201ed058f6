"""The launch form in a browser: what is wrong, what was typed, and secrets."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.domain.deployment import Status
from testing.browser import deployment_on, log_in, visit
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import add_reports, make_user

#: Writes its launch variables into the file that one of them names.
_KEEPER = """\
#!/usr/bin/env python3
import json, pathlib, sys
variables = json.load(open(sys.argv[2]))["context"]["variables"]
pathlib.Path(variables["out"]).write_text(json.dumps(variables))
"""
_KEPT = {
    "out": {"type": "string"},
    "backup": {"type": "boolean"},
    "token": {"type": "string", "writeOnly": True},
    "key": {"writeOnly": True, "contentMediaType": "application/x-pem-file"},
}
KEY = "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with two services and a user."""
    with installed(postgres, tmp_path_factory.mktemp("launch-form")) as made:
        made.write_service("keeper", _KEEPER, variables={"properties": _KEPT})
        add_reports(made)
        make_user(made)
        made.worker()
        made.web()
        yield made


@pytest.fixture
def page(browser: Browser, site: Installation) -> Iterator[Page]:
    """A page of a new visitor of the shared installation."""
    with visit(browser, site.url) as opened:
        yield opened


def test_a_form_says_what_is_wrong_where_it_is_and_keeps_what_was_typed(
    browser: Browser, site: Installation
) -> None:
    with visit(browser, site.url, java_script_enabled=False) as page:
        page.goto("/services/reports")
        log_in(page)
        page.get_by_label("Title").fill("Visits")
        page.get_by_label("Notes").fill("one\ntwo: <b>")
        page.get_by_label("Readers").fill("ada\n\n bob ")
        page.get_by_label("Hosts").fill("- name: web01\n  port: many\n- port: 22")
        page.get_by_label("Key").fill("hunter2-canary")
        page.get_by_label("As a draft").uncheck()
        page.get_by_role("button", name="Launch").click()

        hosts = page.get_by_label("Hosts")
        expect(hosts).to_have_attribute("aria-invalid", "true")
        problem = page.locator("[id='var.hosts-problem']")
        expect(problem).to_contain_text('0/port: "many" is not of type "integer"')
        expect(problem).to_contain_text('1: "name" is required')
        expect(page.locator(".field-problem")).to_have_count(1)
        expect(hosts).to_have_value("- name: web01\n  port: many\n- port: 22")
        expect(page.get_by_label("Notes")).to_have_value("one\ntwo: <b>")
        expect(page.get_by_label("Readers")).to_have_value("ada\n\n bob ")
        expect(page.get_by_label("As a draft")).not_to_be_checked()
        expect(page.get_by_label("Key")).to_have_value("")
        assert "hunter2" not in page.content()

        hosts.fill("- name: web01\n  port: 22")
        page.get_by_label("Key").fill("hunter2-canary")
        page.get_by_role("button", name="Launch").click()
        number = deployment_on(page)

    launched = site.ended(number)
    assert Status.SUCCESSFUL is launched.status
    assert {
        "title": "Visits",
        "notes": "one\ntwo: <b>",
        "until": "2026-01-31",
        "copies": 2,
        "scale": 1.5,
        "paper": "A4",
        "draft": False,
        "readers": ["ada", "bob"],
        "hosts": [{"name": "web01", "port": 22}],
        "limits": {"pages": 40},
    } == launched.variables


@pytest.mark.parametrize("field", ["token", "key"])
def test_a_pasted_secret_keeps_its_lines_and_what_is_untouched_is_not_sent(
    page: Page, tmp_path: Path, field: str
) -> None:
    out = tmp_path / "variables.json"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/services/keeper")
    log_in(page)
    page.get_by_label("out", exact=True).fill(str(out))
    secret = page.get_by_label(field)
    expect(secret).to_have_css("-webkit-text-security", "disc")

    page.evaluate("text => navigator.clipboard.writeText(text)", KEY)
    secret.focus()
    page.keyboard.press("Control+V")
    page.get_by_role("button", name="Launch").click()

    expect(page.locator('[data-live="status"]')).to_contain_text("successful")
    assert {"out": str(out), field: KEY} == json.loads(out.read_text())


def test_enter_in_a_secret_launches_without_a_line_break(
    page: Page, tmp_path: Path
) -> None:
    out = tmp_path / "variables.json"
    page.goto("/services/keeper")
    log_in(page)
    page.get_by_label("out", exact=True).fill(str(out))
    page.get_by_label("backup").select_option("no")
    page.get_by_label("token").press_sequentially("hunter2")
    page.keyboard.press("Enter")

    expect(page.locator('[data-live="status"]')).to_contain_text("successful")
    assert {"out": str(out), "backup": False, "token": "hunter2"} == json.loads(
        out.read_text()
    )


def test_a_secret_is_not_filled_in_again(page: Page) -> None:
    page.goto("/services/keeper")
    log_in(page)
    page.get_by_label("token").fill("hunter2")
    page.get_by_label("out", exact=True).fill("x" * 300_000)
    page.get_by_role("button", name="Launch").click()

    expect(page.get_by_text("The service was not launched.")).to_be_visible()
    expect(page.get_by_label("token")).to_have_value("")
