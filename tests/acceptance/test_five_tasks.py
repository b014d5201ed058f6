"""Five everyday tasks, from the overview on: how many clicks each of them takes.

Typing is not a click. Each task begins on the overview, which a person has open.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.domain.deployment import Status
from app.domain.events import TaskResult
from app.domain.service import Service
from app.usecases import deploy, record
from testing.browser import WIDE, deployment_on, log_in, visit
from testing.factories import (
    begins,
    ends,
    make_schema,
    make_service,
    record_lines,
    request_deployment,
    set_columns,
    start_deployment,
)
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user

WHY = "The database migration timed out."
LAST_WEEK = datetime.now(UTC) - timedelta(days=7)


def service(name: str) -> Service:
    return make_service(
        name=name, deploy_script=None, playbook="site.yml", steps=[],
        options=["limit", "check"],
        variables=make_schema(version={"type": "string", "default": "1.0"}),
    )  # fmt: skip


class Clicks:
    """A person who clicks, and whose clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def on(self, there: Locator) -> None:
        there.click()
        self.count += 1


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation without a worker, with a history that is recorded."""
    with installed(postgres, tmp_path_factory.mktemp("tasks")) as made:
        make_user(made)
        # Each task has a service of its own, so that their order doesn't matter.
        _run(made, "docs/site@production", "1.9", LAST_WEEK, 0)
        _run(made, "docs/site@production", "2.0", None, 0)
        _run(made, "shop/site@staging", "2.0", None, 0)
        _run(made, "shop/site@production", "2.0", None, 2)
        _run(made, "fleet", "3.0", None, 0)
        _run(made, "mail", "3.0", None, 0)
        made.web()
        yield made


def _run(
    made: Installation, name: str, version: str, at: datetime | None, code: int
) -> None:
    given = {"version": version}
    number = start_deployment(made.store, made.settings, service(name), given=given).id
    lines = [begins("Migrate"), ends("Migrate", "web1", TaskResult.CHANGED)]
    if code:
        lines += [
            begins("Restart"), ends("Restart", "web2", TaskResult.FAILED, msg=WHY),
        ]  # fmt: skip
    record_lines(made.store, number, *lines)
    record.finish(made.store, number, code)
    if at is not None:
        with made.store.begin() as db:
            set_columns(db, number, created_at=at, started_at=at, finished_at=at)


@pytest.fixture(scope="module")
def page(browser: Browser, site: Installation) -> Iterator[Page]:
    with visit(browser, site.url, viewport=WIDE) as opened:
        opened.goto("/")
        log_in(opened)
        yield opened


@pytest.fixture
def clicks(page: Page) -> Clicks:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    return Clicks(page)


def row(page: Page, name: str) -> Locator:
    return page.locator(f'.service-row[data-key="{name}"]')


def test_why_the_last_production_run_failed_takes_one_click(clicks: Clicks) -> None:
    there = row(clicks.page, "shop/site")
    # The first line of it is on the overview.
    expect(there.locator(".service-row-why")).to_contain_text("failed on web2")
    expect(there.get_by_text("production ·")).to_be_visible()

    clicks.on(there.locator(".service-row-why"))

    expect(clicks.page.locator(".failures")).to_contain_text(WHY)
    expect(clicks.page.locator(".failures")).to_be_in_viewport()
    assert 1 == clicks.count


def test_a_launch_with_a_limit_takes_three_clicks(
    clicks: Clicks, site: Installation
) -> None:
    page = clicks.page

    clicks.on(page.get_by_role("link", name="Launch fleet"))
    clicks.on(page.get_by_label("Limit"))
    page.keyboard.type("web1")
    clicks.on(page.get_by_role("button", name="Launch fleet"))

    launched = deploy.find(site.store, deployment_on(page))
    assert "web1" == launched.options.limit
    assert 3 == clicks.count


def test_a_run_of_last_week_is_repeated_with_three_clicks(
    clicks: Clicks, site: Installation
) -> None:
    page = clicks.page

    clicks.on(row(page, "docs/site").get_by_role("link", name="site", exact=True))
    last_week = page.get_by_role("row").filter(has_text="site@production #1")
    clicks.on(last_week.get_by_role("link", name="Launch again"))
    expect(page.get_by_label("version")).to_have_value("1.9")
    clicks.on(page.get_by_role("button", name="Launch docs/site@production"))

    launched = deploy.find(site.store, deployment_on(page))
    assert {"version": "1.9"} == launched.variables
    assert 3 == clicks.count


def test_what_a_host_was_changed_by_takes_two_clicks(clicks: Clicks) -> None:
    clicks.on(row(clicks.page, "mail").locator(".service-row-when a"))
    clicks.on(clicks.page.get_by_role("link", name="Changes"))

    expect(clicks.page.get_by_role("main")).to_contain_text("web1")
    expect(clicks.page.get_by_role("main")).to_contain_text("Migrate")
    assert 2 == clicks.count


def test_a_cancel_takes_two_clicks_and_its_confirmation(
    clicks: Clicks, site: Installation
) -> None:
    page = clicks.page
    number = request_deployment(site.store, site.settings, make_service(name="stuck"))
    page.reload()

    clicks.on(page.get_by_role("link", name=f"stuck #{number}"))
    clicks.on(page.get_by_role("button", name="Cancel …"))
    clicks.on(page.get_by_role("button", name="Cancel deployment"))

    expect(page.locator(".status .badge").first).to_have_text("canceled")
    assert Status.CANCELED == deploy.find(site.store, number).status
    assert 3 == clicks.count
