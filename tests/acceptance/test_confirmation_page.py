"""The page on which a launch is confirmed, in a browser."""

import json
from pathlib import Path

from playwright.sync_api import Browser, expect

from testing.browser import WIDE, log_in, visit
from testing.git_repository import GitRepository
from testing.installation import Installation
from testing.page_checks import require_good
from testing.seeding import make_user

_PROJECT = """\
project: infra
environments:
  production: {inventory: hosts, confirm: true}
services:
  site:
    playbook: site.yml
    options: [limit, check]
    variables:
      properties:
        version: {type: string, default: "1.0"}
        token: {type: string, writeOnly: true}
"""
_FILES = {
    "fastdeploy.yml": _PROJECT,
    "hosts": "web1\nweb2\n",
    "site.yml": "- hosts: all\n  gather_facts: false\n  tasks: []\n",
}
_NAME = "infra/site@production"


def test_everybody_can_use_the_confirmation(
    browser: Browser, fastdeploy: Installation, tmp_path: Path, pictures: Path | None
) -> None:
    """Axe finds nothing, it fits its window and Tab leads everywhere, in each look."""
    add_project(fastdeploy, tmp_path)
    make_user(fastdeploy)
    with visit(browser, fastdeploy.url, viewport=WIDE) as page:
        page.goto(f"/services/{_NAME}")
        log_in(page)
        page.get_by_label("version").fill("2.0")
        page.get_by_role("button", name=f"Launch {_NAME}").click()
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(f"Launch {_NAME}?")

        require_good(page, "confirmation", pictures)

        expect(page.get_by_text("2.0")).to_be_visible()
        page.get_by_role("button", name="Launch", exact=False).first.click()
        expect(heading).to_contain_text("site")
        expect(page).to_have_url(f"{fastdeploy.url}/deployments/1")


def add_project(made: Installation, folder: Path) -> None:
    """Add a git project with an environment that asks for a confirmation."""
    repository = GitRepository(folder / "infra")
    repository.write(_FILES)
    repository.commit("Describe the project")
    registered = made.services / "infra"
    registered.mkdir()
    source = {"git": f"file://{repository.folder}"}
    (registered / "project.json").write_text(json.dumps(source))
    made.sync()
