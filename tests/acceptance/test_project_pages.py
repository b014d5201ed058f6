"""Projects in the browser: a repository is added and deployed from its grid."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from testing.browser import log_in, visit
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user, write_repository


@pytest.fixture
def site(postgres: Postgres, tmp_path: Path) -> Iterator[Installation]:
    """An installation with a user and no services."""
    with installed(postgres, tmp_path / "fastdeploy") as made:
        make_user(made)
        made.worker()
        made.web()
        yield made


def test_a_repository_is_added_and_deployed_from_a_cell_of_its_grid(
    browser: Browser, site: Installation, tmp_path: Path
) -> None:
    root = write_repository(tmp_path / "infra")
    with visit(browser, site.url) as page:
        page.goto("/projects")
        log_in(page)

        page.get_by_label("Repository", exact=True).fill(f"{root}")
        page.get_by_role("button", name="Look at the repository").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Add project infra?")
        expect(page.get_by_text("inventories/production").first).to_be_visible()
        page.get_by_role("button", name="Add", exact=True).click()

        expect(page.get_by_text("The project was added")).to_be_visible()
        cells = page.get_by_role("row", name="site").get_by_role("cell")
        expect(cells).to_contain_text(["never", "never"])
        page.get_by_role("link", name="Deploy infra/site@staging").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "infra / site @ staging"
        )
        # The overview in a second page has the outcome without being reloaded.
        watching = page.context.new_page()
        watching.goto("/")
        row = watching.get_by_role("row", name="site")
        expect(row.get_by_role("link", name="never deployed")).to_have_count(2)
        page.get_by_role("button", name="Launch infra/site@staging").click()
        expect(page.locator('[data-live="status"]')).to_contain_text("successful")
        expect(row.get_by_role("link", name="successful")).to_have_attribute(
            "href", "/services/infra/site@staging"
        )

        page.get_by_role("link", name="infra", exact=True).click()
        expect(cells.nth(1)).to_contain_text("successful")
        expect(cells.nth(0)).to_contain_text("never")
