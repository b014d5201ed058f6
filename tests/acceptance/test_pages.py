"""Every page, as everybody may meet it: light, dark, narrow, by keyboard, bare.

`just screenshots` runs the same with `--pictures FOLDER`, and keeps what it sees.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.routing import Match

from app.web.app import ROUTES
from app.web.routing import AppRoute
from testing.browser import NARROW, PASSWORD, WIDE, log_in, too_wide, visit
from testing.installation import Installation, installed
from testing.page_checks import require_good
from testing.postgres import Postgres
from testing.seeding import SeedNumbers, seed

#: Every page by name; `{failed}` and the like are numbers of deployments.
PAGES = {
    "overview": "/",
    "service": "/services/webshop",
    "service-form": "/services/reports",
    "service-playbook": "/services/static-site",
    "service-broken": "/services/newsletter",
    "doctor": "/services/hello/doctor",
    "compare": "/services/webshop/compare?b={canceled}",
    "deployments": "/deployments",
    "deployment-failed": "/deployments/{failed}",
    "deployment-successful": "/deployments/{well}",
    "deployment-canceled": "/deployments/{canceled}",
    "deployment-running": "/deployments/{running}",
    "deployment-queued": "/deployments/{queued}",
    "deployment-waiting": "/deployments/{waiting}",
    "deployment-owing": "/deployments/{owing}",
    "continue": "/deployments/{owing}/continue",
    "changes": "/deployments/{well}/changes",
    "variables": "/deployments/{well}/variables",
    "artifacts": "/deployments/{failed}/artifacts",
    "artifact": "/deployments/{failed}/artifacts/stdout",
    "results": "/deployments/{failed}/results",
    "results-running": "/deployments/{running}/results",
    "result": "/deployments/{failed}/results/{result}",
    "deployment-host-keys": "/deployments/{failed}/host-keys",
    "commits": "/deployments/{committed}/commits",
    "search": "/deployments/{failed}/search?text=web03",
    "service-of-project": "/services/infra/site@production",
    "service-of-git-project": "/services/handbook/publish",
    "projects": "/projects",
    "project": "/projects/infra",
    "project-git": "/projects/handbook",
    "project-new": "/new-project?path={repository}",
    "hosts": "/hosts",
    "host": "/hosts/web03?project=fleet",
    "host-files": "/hosts/web03/files?project=fleet",
    "host-file": "/hosts/web03/files{file}?project=fleet",
    "compare-hosts": "/compare-hosts?a=web02&a_project=fleet&b=web03&b_project=fleet",
    "compare-hosts-form": "/compare-hosts?a=web03&a_project=fleet&b=nothing",
    "changes-edited": "/deployments/{failed}/changes",
    "schedules": "/schedules",
    "schedule": "/schedules/1",
    "schedule-change": "/schedules/{schedule}/edit",
    "schedule-new": "/new-schedule?service=webshop",
    "nodes": "/nodes",
    "node-forget": "/nodes/forget?name=here",
    "account": "/account",
    "account-token-revoke": "/account/tokens/{token}/revoke",
    "account-second-factor": "/account/second-factor",
    "login-cli": f"/login/cli?port=40001&challenge={'c' * 43}&state={'s' * 24}"
    "&machine=laptop",
    "users": "/admin/users",
    "user": "/admin/users/{user}",
    "tokens": "/admin/tokens",
    "teams": "/admin/teams",
    "grants": "/admin/grants",
    "token-revoke": "/admin/tokens/{token}/revoke",
    "credentials": "/admin/credentials",
    "credential": "/admin/credentials/ssh:prod",
    "credential-new": "/admin/new-credential?kind=ssh&name=prod&home=stored",
    "webhooks": "/admin/webhooks",
    "webhook": "/admin/webhooks/1",
    "webhook-new": "/admin/new-webhook",
    "notifications": "/admin/notifications",
    "channel": "/admin/notifications/ops",
    "channel-new": "/admin/new-channel",
    "settings": "/admin/settings",
    "audit": "/admin/audit",
    "docs": "/docs",
    "nothing": "/nothing",
}
#: Those that a person sees who has not logged in.
PUBLIC_PAGES = {"login": "/login"}
#: What stands for the parts of an address when every route is asked for.
_PARTS = {"name": "hello", "path": "stdout"}


@dataclass(frozen=True, slots=True)
class Site:
    """An installation with something on every page."""

    installation: Installation
    seeded: SeedNumbers

    def path(self, template: str) -> str:
        """The path of a page."""
        return template.format(**asdict(self.seeded))


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """An installation with services and deployments of every kind."""
    folder = tmp_path_factory.mktemp("pages")
    with installed(postgres, folder / "fastdeploy") as made:
        made.worker()
        made.web()
        yield Site(made, seed(made, folder))


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of somebody who has logged in, for all the tests of this module."""
    with visit(browser, site.installation.url, viewport=WIDE) as opened:
        opened.goto("/")
        log_in(opened)
        expect(opened.get_by_role("heading", level=1)).to_have_text("Overview")
        yield opened


@pytest.fixture
def problems(page: Page) -> Iterator[list[str]]:
    """What the console complains of while a test runs."""
    found: list[str] = []

    def note(message: Any) -> None:
        if message.type in ("error", "warning"):
            found.append(message.text)

    page.on("console", note)
    yield found
    page.remove_listener("console", note)


def test_the_table_has_every_page(site: Site) -> None:
    """Asks each route that changes nothing, as a browser does."""
    with site.installation.visitor() as client:
        form = {"name": "ada", "password": PASSWORD}
        assert 303 == client.post("/login", data=form).status_code
        pages = {
            route.path
            for route in ROUTES
            if route.method == "GET" and route.operation is None
            if not route.path.endswith(("/events", "/changing"))
            # They redirect to a provider and back, and none is set up here.
            if not route.path.startswith("/login/provider/")
            if _is_page(client, route, site)
        }
    listed = {
        _route_of(site.path(path))
        for path in (PAGES | PUBLIC_PAGES).values()
        if path != PAGES["nothing"]
    }

    assert pages == listed, "put the new page into PAGES"


def _is_page(client: httpx.Client, route: AppRoute, site: Site) -> bool:
    parts = {
        name: _PARTS.get(name, site.seeded.failed) for name in route.param_convertors
    }
    answer = client.get(
        route.url_path_for(route.name, **parts), headers={"Accept": "text/html"}
    )
    return "<html" in answer.text[:1000]


def _route_of(path: str) -> str:
    scope = {"type": "http", "path": path.partition("?")[0], "method": "GET"}
    matching = (r for r in ROUTES if r.matches(scope)[0] is Match.FULL)
    found = next(matching)
    return found.path


@pytest.mark.parametrize("name", PAGES | PUBLIC_PAGES)
def test_a_page_can_be_used_by_everybody(
    browser: Browser, page: Page, site: Site, problems: list[str], name: str,
    pictures: Path | None,
) -> None:  # fmt: skip
    """Axe finds nothing, it fits its window and Tab leads everywhere, in each look."""
    if name in PUBLIC_PAGES:
        with visit(browser, site.installation.url, viewport=WIDE) as opened:
            opened.goto(PUBLIC_PAGES[name])
            require_good(opened, name, pictures)
        return
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)
    page.goto(site.path(PAGES[name]))
    require_good(page, name, pictures)

    if name == "nothing":
        problems = [p for p in problems if "404" not in p]
    assert [] == problems


def test_the_recap_of_ansible_fits_a_laptop(page: Page, site: Site) -> None:
    """Each line of it is one line on the page."""
    page.set_viewport_size(WIDE)
    page.goto(site.path(PAGES["deployment-failed"]))
    recap = page.locator(".line code", has_text="PLAY RECAP")

    printed, shown = recap.evaluate(
        """(code) => {
            const style = getComputedStyle(code);
            const padding = 2 * parseFloat(style.paddingBlockStart);
            const lines = (code.clientHeight - padding) / parseFloat(style.lineHeight);
            return [code.textContent.trimEnd().split("\\n").length, Math.round(lines)];
        }"""
    )

    assert printed > 10
    assert printed == shown


def test_a_step_takes_little_height(page: Page, site: Site) -> None:
    """Also with a message and the usual duration."""
    page.set_viewport_size(WIDE)
    page.goto(site.path(PAGES["deployment-running"]))

    heights = page.locator(".step").evaluate_all(
        "steps => steps.map((step) => step.getBoundingClientRect().height)"
    )

    assert 4 == len(heights)
    assert max(heights) <= 45


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_complete_without_javascript(
    site: Site, bare: Page, name: str
) -> None:
    bare.goto(site.path(PAGES[name]))

    expect(bare.get_by_role("heading", level=1)).to_be_visible()
    assert [] == too_wide(bare)
    # No template hides the version behind a name of its own.
    expect(bare.locator(".site-footer")).to_have_text(re.compile(r"FastDeploy \d\S*"))
    # What only a script can use is not there.
    assert 0 == bare.locator(".copy").count()
    assert 0 == bare.locator("[data-follow]:visible").count()


@pytest.fixture(scope="module")
def bare(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of somebody whose browser runs no scripts."""
    with visit(
        browser, site.installation.url, java_script_enabled=False, viewport=NARROW
    ) as opened:
        opened.goto("/")
        log_in(opened)
        yield opened


@pytest.mark.parametrize("name", ["overview", "deployment-running", "service"])
def test_nothing_moves_for_those_who_want_no_motion(
    browser: Browser, site: Site, name: str
) -> None:
    with visit(browser, site.installation.url, reduced_motion="reduce") as page:
        page.goto("/login")
        log_in(page)
        page.goto(site.path(PAGES[name]))

        assert 0 == page.evaluate("document.getAnimations().length")


@pytest.mark.parametrize("name", ["overview", "deployment-running", "deployments"])
def test_nothing_shifts_once_it_is_shown(page: Page, site: Site, name: str) -> None:
    page.goto(site.path(PAGES[name]))
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    shifted = page.evaluate(
        """() => new Promise((done) => {
            let sum = 0;
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) sum += entry.value;
            }).observe({type: "layout-shift", buffered: true});
            requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
        })"""
    )
    assert shifted <= 0.01


def test_where_the_time_went_can_be_read_by_everybody(
    page: Page, site: Site, bare: Page, pictures: Path | None
) -> None:
    """The section is closed at first; without JavaScript it opens, too."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)
    for opened in (page, bare):
        opened.goto(site.path(PAGES["deployment-failed"]))
        expect(opened.get_by_role("heading", name="Slowest tasks")).to_be_hidden()
        opened.get_by_text("Where time went").click()
        section = opened.locator(".timing")
        expect(section.get_by_role("heading", name="Slowest tasks")).to_be_visible()
        for name in ("waiting", "preparing", "connecting", "tasks", "finishing"):
            expect(section.get_by_text(name, exact=True)).to_be_visible()
    # Which hosts are the slowest differs from run to run.
    one_host = re.compile(r" on (web|db)\d\d$")
    expect(section.get_by_role("link", name=one_host).first).to_be_visible()

    require_good(page, "timing", pictures)
