"""The filters above a list, which a button opens on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from testing.browser import NARROW, WIDE, log_in, too_wide, violations, visit
from testing.factories import make_service, request_deployment
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation without a worker, with deployments of two services."""
    with installed(postgres, tmp_path_factory.mktemp("filters")) as made:
        for name in ("cart", "site"):
            request_deployment(made.store, made.settings, make_service(name=name))
        make_user(made)
        made.web()
        yield made


@pytest.mark.parametrize("scripts", [True, False], ids=["javascript", "none"])
def test_a_phone_shows_the_list_first_and_opens_the_filters_by_a_button(
    browser: Browser, site: Installation, *, scripts: bool
) -> None:
    with visit(browser, site.url, viewport=NARROW, java_script_enabled=scripts) as page:
        page.goto("/deployments")
        log_in(page)
        form = page.get_by_role("search", name="Filter deployments")
        opens = page.get_by_role("button", name="Filters …")
        expect(opens).to_be_visible()
        expect(form).to_be_hidden()

        opens.click()
        expect(form).to_be_visible()
        assert [] == too_wide(page)
        if scripts:
            assert [] == violations(page)
        form.get_by_label("Service").select_option("cart")
        form.get_by_role("button", name="Filter", exact=True).click()

        expect(page.get_by_role("button", name="Filters (1) …")).to_be_visible()
        expect(form).to_be_hidden()
        rows = page.get_by_role("table").get_by_role("rowheader")
        expect(rows).to_have_count(1)
        page.set_viewport_size(WIDE)
        expect(form).to_be_visible()
        expect(page.get_by_role("button", name="Filters (1) …")).to_be_hidden()


def test_an_error_in_a_filter_is_seen_on_a_phone(
    browser: Browser, site: Installation
) -> None:
    with visit(browser, site.url, viewport=NARROW) as page:
        page.goto("/deployments?since=soon")
        log_in(page)

        form = page.get_by_role("search", name="Filter deployments")
        expect(form.locator(".field-problem")).to_be_visible()
