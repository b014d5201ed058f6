"""Projects and their services on the pages: versions, errors and long lists."""

from pathlib import Path

import pytest

from app.domain.access import Permission
from app.settings import Settings
from app.store.store import Store
from app.usecases import overview, project_views
from testing.registered_projects import (
    DESCRIPTION,
    FILES,
    add_jobs,
    deploy,
    register,
    sync,
    write,
)
from testing.statements import listening
from testing.web_client import ClientFor


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two playbooks and two inventories."""
    return write(tmp_path / "infra", FILES)


def test_the_page_of_a_project_shows_version_and_status_by_environment(
    client_for: ClientFor, store: Store, settings: Settings, repository: Path
) -> None:
    register(store, settings, repository)
    deployed = deploy(store, settings, "infra/site@staging", version="1.2.3")

    page = project_views.look(store, settings.services, "infra")
    text = client_for((Permission.VIEW,)).get("/projects/infra").text

    site, upgrade = page.grid.rows
    assert ("production", "staging") == page.grid.environments
    assert [("", None), ("1.2.3", deployed)] == [
        (cell.version, cell.brought_by) for cell in site.cells if cell
    ]
    assert [None, "infra/upgrade@staging"] == [
        cell and str(cell.name) for cell in upgrade.cells
    ]
    assert "never" in text
    assert "1.2.3" in text
    assert "#launch" not in text


def test_errors_of_services_are_listed(
    client_for: ClientFor, store: Store, settings: Settings, repository: Path
) -> None:
    text = (
        DESCRIPTION + "  gone: {playbook: playbooks/gone.yml}\n  bad: {colour: red}\n"
    )
    register(store, settings, repository, text)
    client = client_for((Permission.VIEW, Permission.DEPLOY))

    page = client.get("/projects/infra").text

    assert "gone.yml" in page
    assert "fastdeploy.yml, line 13: services.bad.colour" in page
    assert "/services/infra/gone@staging#launch" not in page
    assert "line 13: services.bad.colour" in client.get("/").text


def test_the_overview_has_one_row_for_a_service_in_its_environments(
    client_for: ClientFor, store: Store, settings: Settings, repository: Path
) -> None:
    register(store, settings, repository)
    deploy(store, settings, "infra/site@staging", version="1.2.3")
    make = client_for((Permission.VIEW,))

    found = overview.look(store)
    before = make.get("/overview")
    deploy(store, settings, "infra/site@production", version="1.2.2")
    after = make.get("/overview", headers={"If-None-Match": before.headers["etag"]})

    assert {"infra/site": 2, "infra/upgrade": 1} == {
        each.line.name: len(each.spots) for each in found.services
    }
    assert 'href="/services/infra/site@staging"' in before.text
    assert "1.2.2" not in before.text
    assert "1.2.2" in after.text


def test_pages_of_a_service_and_a_deployment_link_to_the_project(
    client_for: ClientFor, store: Store, settings: Settings, repository: Path
) -> None:
    register(store, settings, repository)
    number = deploy(store, settings, "infra/site@staging", version="1.2.3")
    client = client_for((Permission.VIEW,))

    for path in ("/services/infra/site@staging", f"/deployments/{number}"):
        assert 'href="/projects/infra">infra</a>' in client.get(path).text


def test_two_thousand_services_are_shown_in_pages(
    client_for: ClientFor, store: Store
) -> None:
    add_jobs(store, range(2000))
    client = client_for((Permission.VIEW,))

    first = client.get("/projects/infra").text
    last = client.get("/projects/infra?page=20").text
    beyond = client.get("/projects/infra?page=99").text
    some = client.get("/projects/infra?text=JOB-19").text
    none = client.get("/projects/infra?text=nothing").text
    home = client.get("/overview").text

    assert 100 == first.count('class="project-grid-cell"')
    assert "Services 1 to 100 of 2000" in first
    assert "job-1999" in last
    assert "job-1999" in beyond
    assert 100 == some.count('class="project-grid-cell"')
    assert "job-0100" not in some
    assert "No matching services" in none
    assert overview.ROWS == home.count('class="service-row-title"')
    assert "2000 services" in home


def test_more_services_need_no_more_statements(
    store: Store, settings: Settings
) -> None:
    asked = []
    for numbers in (range(1), range(1, 30)):
        add_jobs(store, numbers)
        with listening(store.engine) as recorded:
            overview.look(store)
            project_views.look(store, settings.services, "infra")
            project_views.list_projects(store, settings.services)
        asked.append(len(recorded.statements))

    assert asked[0] == asked[1]


@pytest.mark.parametrize("name", ["nothing", "hello", "In%20fra", "a%00b"])
def test_a_name_without_a_project_has_no_page(
    store: Store, settings: Settings, client_for: ClientFor, name: str
) -> None:
    write(settings.services / "hello", {"config.json": "{"})
    sync(store, settings)

    assert 404 == client_for((Permission.VIEW,)).get(f"/projects/{name}").status_code
