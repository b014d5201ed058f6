"""The page of artifacts: folders are closed, and a file opens in its place."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.domain.access import Role
from app.usecases import record, users
from testing.browser import NARROW, PASSWORD, log_in, too_wide, violations, visit
from testing.factories import UUID, make_runner_line, record_lines, start_deployment
from testing.installation import ACTOR, Installation, installed
from testing.postgres import Postgres

HOSTILE = "<img src=x onerror=document.title='hacked'>"


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with one ended deployment, number 1, and a user."""
    with installed(postgres, tmp_path_factory.mktemp("artifacts")) as made:
        users.create_user(made.store, ACTOR, "ada", PASSWORD, Role.VIEWER)
        running = start_deployment(made.store, made.settings)
        record_lines(made.store, running.id, make_runner_line(stdout=HOSTILE))
        record.finish(made.store, running.id, 0)
        made.web()
        yield made


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def page(
    browser: Browser, site: Installation, request: pytest.FixtureRequest
) -> Iterator[Page]:
    scripted = request.param == "with JavaScript"
    with visit(
        browser, site.url, viewport=NARROW, java_script_enabled=scripted
    ) as opened:
        opened.goto("/login")
        log_in(opened)
        opened.goto("/deployments/1/artifacts")
        yield opened


def test_folders_are_closed_and_a_file_can_be_opened(
    page: Page, request: pytest.FixtureRequest
) -> None:
    event = f"42-{UUID}.json"
    expect(page.get_by_text(event)).to_be_hidden()
    page.get_by_text("job_events/").click()
    page.get_by_text(event).click()

    link = page.get_by_role("link", name=f"Open as a page: job_events/{event}")
    expect(link).to_be_visible()
    if "without" in request.node.name:
        link.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(event)
    content = page.get_by_role("region", name=f"Content of job_events/{event}")
    expect(content).to_contain_text('"stdout": "<img src=x')
    if "without" not in request.node.name:
        assert page.url.endswith("/deployments/1/artifacts")
        page.get_by_text("stdout", exact=True).click()
        expect(page.get_by_role("region", name="Content of stdout")).to_have_text(
            f"{HOSTILE}\n"
        )
        assert [] == violations(page)
        assert [] == too_wide(page)
        assert "hacked" != page.title()


def test_the_page_links_to_the_exports(page: Page) -> None:
    for name, file in (("For ansible-navigator", "navigator"), ("As JSON", "ara")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()

        assert f"hello-1-{file}.json" == download.value.suggested_filename


def test_the_documentation_obeys_the_policy_if_it_is_built(page: Page) -> None:
    """The help link leads to it, and nothing on its pages is blocked."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))

    page.get_by_role("link", name="Help").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Documentation")
    page.goto("/docs/how-to/ci.html")
    page.goto("/docs/search.html?q=token")

    assert [] == [each for each in problems if "Content Security Policy" in each]
