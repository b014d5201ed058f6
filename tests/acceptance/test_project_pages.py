"""Projects in the browser: the grid, the launch form, adding and removing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from testing.browser import log_in, visit
from testing.command_line import command
from testing.git_repository import GitRepository
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user, write_repository

_PLAYBOOK = """\
- name: Release
  hosts: all
  gather_facts: false
  tasks:
    - name: Write the version
      ansible.builtin.copy:
        content: "{version}\\n"
        dest: "{folder}/{{{{ inventory_hostname }}}}"
        mode: "0644"
      tags: [write]
    - name: Say who has it
      ansible.builtin.debug:
        msg: "{{{{ inventory_hostname }}}} has {version}"
      tags: [say]
"""
_DESCRIPTION = """\
project: shop
environments:
  staging: {inventory: inventories/staging}
  production: {inventory: inventories/production, refs: ["refs/tags/v*"]}
defaults: {options: [check, limit, tags]}
services:
  release: {playbook: release.yml}
"""
_INVENTORY = """\
[{group}]
{group}1
{group}2
[{group}:vars]
ansible_connection=local
ansible_python_interpreter={{{{ ansible_playbook_python }}}}
"""


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with a user and no services."""
    with installed(postgres, tmp_path_factory.mktemp("fastdeploy")) as made:
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
        row = watching.get_by_role("row", name="Favourite infra/site")
        expect(row.get_by_role("link", name="never deployed")).to_have_count(2)
        staging = row.get_by_role("link", name="staging")
        page.get_by_role("button", name="Launch infra/site@staging").click()
        expect(page.locator('[data-live="status"]')).to_contain_text("successful")
        expect(staging).to_contain_text("successful")
        expect(staging).to_have_attribute("href", "/services/infra/site@staging")

        page.get_by_role("link", name="infra", exact=True).click()
        expect(cells.nth(1)).to_contain_text("successful")
        expect(cells.nth(0)).to_contain_text("never")


@pytest.fixture
def written(site: Installation, tmp_path: Path) -> Path:
    """A git repository as the project shop, whose runs write to this folder."""
    folder = tmp_path / "written"
    folder.mkdir()
    repository = GitRepository(tmp_path / "shop")
    repository.write({"fastdeploy.yml": _DESCRIPTION})
    for group in ("staging", "production"):
        text = _INVENTORY.format(group=group)
        repository.write({f"inventories/{group}": text})
    for version in ("1", "2"):
        playbook = _PLAYBOOK.format(version=version, folder=folder)
        repository.commit(f"Release {version}", {"release.yml": playbook})
        repository.git("tag", f"v{version}")
    repository.git("branch", "experiment")
    added = command(site, "project", "add", f"file://{repository.folder}", "--yes")
    assert added.returncode == 0, added.stderr
    return folder


def test_the_form_of_a_git_project_completes_refs_hosts_and_tags_and_can_check(
    browser: Browser, site: Installation, written: Path
) -> None:
    with visit(browser, site.url) as page:
        page.goto("/services/shop/release@staging")
        log_in(page)

        def offered(label: str) -> list[str]:
            field = page.get_by_label(label, exact=True)
            field.focus()
            expect(field).to_have_attribute("list", re.compile("-suggestions$"))
            listed = page.locator(f"[id='{field.get_attribute('list')}'] option")
            values: list[str] = listed.evaluate_all("all => all.map((e) => e.value)")
            return values

        refs = {"main", "experiment", "v1", "v2"}
        assert refs == set(offered("Branch, tag or commit"))
        assert ["staging", "staging1", "staging2"] == offered("Limit")
        assert ["say", "write"] == offered("Tags")
        page.get_by_label("Branch, tag or commit").fill("v1")
        page.get_by_label("Limit").fill("staging2")
        page.get_by_label("Tags", exact=True).fill("write")
        page.get_by_role("button", name="Check").click()

        status = page.locator("[data-live=status]")
        expect(status).to_contain_text("--check --limit=staging2 --tags=write")
        expect(status).to_contain_text("successful")
        assert [] == list(written.iterdir())

        # The same again, as it is recorded, but not as a check.
        page.get_by_role("link", name="Launch again").click()
        expect(page.get_by_label("Limit")).to_have_value("staging2")
        expect(page.get_by_label("Branch, tag or commit")).to_have_value(
            re.compile("[0-9a-f]{40}")
        )
        page.get_by_role("button", name="Launch").click()
        expect(status).to_contain_text("successful")
        assert {"staging2": "1\n"} == {
            path.name: path.read_text() for path in written.iterdir()
        }

        # Another environment is a link away. It allows tags only.
        page.goto("/services/shop/release@staging")
        page.get_by_role("navigation", name="Environments").get_by_role(
            "link", name="production"
        ).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("production")
        assert ["production", "production1", "production2"] == offered("Limit")
        assert {"v1", "v2"} == set(offered("Branch, tag or commit"))
        page.get_by_label("Branch, tag or commit").fill("nothing")
        page.get_by_role("button", name="Launch").click()
        expect(page.get_by_text("no branch, tag or commit nothing")).to_be_visible()
        expect(page.get_by_label("Branch, tag or commit")).to_have_value("nothing")

        page.goto("/projects/shop")
        page.get_by_role("button", name="Remove project …").click()
        dialog = page.get_by_role("dialog", name="Remove project shop?")
        dialog.get_by_role("button", name="Remove project").click()
        expect(page.get_by_text("The project was removed")).to_be_visible()
        expect(page.get_by_role("link", name="shop")).to_have_count(0)
