"""Pages of small and of large installations: nothing overflows, everybody can use them.

With `--pictures FOLDER`, each page is kept in each look.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.domain.events import TaskResult
from app.store import services
from app.store.services import FoundService
from app.usecases import record
from testing.browser import NARROW, WIDE, log_in, too_wide, violations, visit
from testing.factories import (
    begins,
    ends,
    make_service,
    recaps,
    record_lines,
    start_deployment,
)
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user

TASKS = [f"{step} | Task {number}" for step in ("prepare", "publish", "verify")
         for number in range(4)]  # fmt: skip
PAGES = {
    "overview": "/",
    "projects": "/projects",
    "output": "/deployments/{number}",
    "results": "/deployments/{number}/results",
    "changes": "/deployments/{number}/changes",
}
LOOKS = {"light": ("light", WIDE), "dark": ("dark", WIDE), "narrow": ("light", NARROW)}


@dataclass(frozen=True, slots=True)
class Site:
    """An installation with a number of services, and a run on a number of hosts."""

    installation: Installation
    services: int
    hosts: int
    deployment: int


@pytest.fixture(scope="module", params=[(3, 1), (50, 10), (500, 200)], ids=str)
def site(
    postgres: Postgres,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    count, hosts = request.param
    with installed(postgres, tmp_path_factory.mktemp("sizes")) as made:
        make_user(made)
        _add_services(made, count - 1)
        number = _run(made, hosts)
        made.web()
        yield Site(made, count, hosts, number)


def _add_services(made: Installation, count: int) -> None:
    """Services alone, and services of projects in two environments."""
    names = [
        f"project{number // 10}/service{number}@{environment}" if number % 3 else
        f"service{number}"
        for number in range(count)
        for environment in (("staging", "production") if number % 3 else ("",))
    ]  # fmt: skip
    found = [
        FoundService(name, make_service(name=name, description=f"What {name} is for"))
        for name in names
    ]
    with made.store.begin() as db:
        services.put(db, found, node="here")


def _run(made: Installation, hosts: int) -> int:
    """Record a run of a playbook that fails on every tenth host."""
    steps = [{"name": name} for name in ("prepare", "publish", "verify")]
    fleet = make_service(
        name="fleet", deploy_script=None, playbook="site.yml", steps=steps,
        options=["check", "limit", "tags"],
    )  # fmt: skip
    number = start_deployment(made.store, made.settings, fleet).id
    names = [f"web{n:03}.example.org" for n in range(1, hosts + 1)]
    lines = []
    for position, task in enumerate(TASKS):
        lines.append(begins(task))
        for at, host in enumerate(names):
            last = position == len(TASKS) - 1
            result = TaskResult.CHANGED if (position + at) % 3 == 0 else TaskResult.OK
            if last and at % 10 == 0:
                result = TaskResult.FAILED
            lines.append(ends(task, host, result))
    counts = dict.fromkeys(names, len(TASKS))
    failed = dict.fromkeys(names[::10], 1)
    record_lines(made.store, number, *lines, recaps(ok=counts, failures=failed))
    record.finish(made.store, number, 2)
    return number


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with visit(browser, site.installation.url, viewport=WIDE) as opened:
        opened.goto("/")
        log_in(opened)
        yield opened


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_every_size_can_be_used_in_every_look(
    page: Page, site: Site, name: str, pictures: Path | None
) -> None:
    path = PAGES[name].format(number=site.deployment)
    for look, (scheme, viewport) in LOOKS.items():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size(viewport)
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()

        if pictures is not None:
            size = f"{site.services}-services-{site.hosts}-hosts"
            page.screenshot(path=pictures / f"{name}-{size}-{look}.png")
        assert [] == too_wide(page)
    # In the last look; test_pages.py checks the others.
    assert [] == violations(page)
