"""The overview in a browser: search as you type, favourites, and live updates."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from testing.browser import WIDE, log_in, visit
from testing.factories import make_service, request_deployment
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user

SERVICES = {
    "backup": ["tier-1"],
    "loader": [],
    "shop/cart@production": ["team:web"],
    "shop/cart@staging": ["team:web"],
    "shop/site@production": ["team:web"],
}


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation without a worker: deployments stay in the queue."""
    with installed(postgres, tmp_path_factory.mktemp("overview")) as made:
        for name in SERVICES:
            launch(made, name)
        make_user(made)
        made.web()
        yield made


@pytest.fixture(scope="module")
def page(browser: Browser, site: Installation) -> Iterator[Page]:
    """A page of somebody who has logged in."""
    with visit(browser, site.url, viewport=WIDE) as opened:
        opened.goto("/")
        log_in(opened)
        expect(opened.get_by_role("heading", level=1)).to_have_text("Overview")
        yield opened


@pytest.fixture(scope="module")
def bare(browser: Browser, site: Installation) -> Iterator[Page]:
    """A page of the same user in a browser that runs no scripts."""
    with visit(browser, site.url, java_script_enabled=False) as opened:
        opened.goto("/")
        log_in(opened)
        yield opened


def launch(site: Installation, name: str) -> int:
    service = make_service(name=name, labels=SERVICES[name])
    return request_deployment(site.store, site.settings, service)


def expect_rows(page: Page, names: list[str]) -> None:
    """Wait until the page shows the rows of these services, in this order."""
    found = page.locator(".service-row[data-key]")
    for index, name in enumerate(names):
        expect(found.nth(index)).to_have_attribute("data-key", name)
    expect(found).to_have_count(len(names))


def test_a_search_filters_while_it_is_typed_and_its_url_can_be_sent(
    page: Page, bare: Page, site: Installation
) -> None:
    page.goto("/")
    search = page.get_by_role("searchbox", name="Search services")
    expect(page.get_by_text("4 services")).to_be_visible()

    search.press_sequentially("shop ca")
    expect(page.get_by_text("1 service found")).to_be_visible()
    expect_rows(page, ["shop/cart"])
    page.get_by_role("combobox", name="Environment").select_option("staging")
    expect(page).to_have_url(re.compile("environment=staging"))
    table = page.get_by_role("table")
    expect(table.get_by_role("link", name="production")).to_have_count(0)

    expect(search).to_have_value("shop ca")
    bare.goto(page.url)
    expect_rows(bare, ["shop/cart"])
    expect(bare.get_by_role("searchbox")).to_have_value("shop ca")
    bare.get_by_role("link", name="Clear filters").click()
    expect(bare).to_have_url(f"{site.url}/")
    bare.get_by_role("combobox", name="Label").select_option("tier-1")
    bare.get_by_role("button", name="Filter", exact=True).click()
    expect(bare).to_have_url(re.compile(r"/\?label=tier-1$"))
    expect_rows(bare, ["backup"])


def test_a_favourite_is_first_and_keeps_the_focus_also_without_javascript(
    page: Page, bare: Page
) -> None:
    page.goto("/?sort=name")
    expect_rows(page, ["backup", "loader", "shop/cart", "shop/site"])
    star = page.get_by_role("button", name="Favourite shop/site")

    star.focus()
    star.press("Enter")

    expect(page.locator(".service-row[data-key]").first).to_have_attribute(
        "data-key", "shop/site"
    )
    expect(star).to_be_focused()
    expect(star).to_have_attribute("aria-pressed", "true")
    bare.goto("/?favourites=yes")
    expect_rows(bare, ["shop/site"])
    bare.get_by_role("button", name="Favourite shop/site").click()
    expect(bare.get_by_text("No service matches")).to_be_visible()
    expect(bare).to_have_url(re.compile(r"/\?favourites=yes$"))


def test_a_row_that_moves_leaves_the_open_menu_of_another_row_alone(
    page: Page, site: Installation
) -> None:
    page.goto("/?sort=latest")
    expect_rows(page, ["shop/site", "shop/cart", "loader", "backup"])
    menu = page.get_by_role("button", name="Launch shop/cart")
    menu.click()
    menu.evaluate("(e) => { window.seen = e; }")

    launch(site, "backup")

    expect_rows(page, ["backup", "shop/site", "shop/cart", "loader"])
    # The menu of the same row is still open.
    assert menu.evaluate("(e) => window.seen === e")
    expect(page.get_by_role("link", name="Launch shop/cart@staging")).to_be_visible()


def test_a_row_is_at_most_48_pixels_high_and_fits_into_three_lines_on_a_phone(
    page: Page,
) -> None:
    heights = "(all) => all.map((e) => e.getBoundingClientRect().height)"
    page.goto("/")
    every = page.locator("tbody .service-row")

    assert {48} == set(every.evaluate_all(heights))
    page.set_viewport_size({"width": 360, "height": 740})
    assert max(every.evaluate_all(heights)) <= 88
    page.set_viewport_size(WIDE)
