"""Projects on the pages and in the API: what they show, and adding one."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.service_tables import services
from app.store.store import Store
from app.usecases import overview, project_views, record
from app.usecases import services as service_usecases
from testing.factories import ROOT, make_schema, make_service, start_deployment
from testing.statements import listening
from testing.web_client import ClientFor, csrf_of, make_client, started_web

DESCRIPTION = """\
project: infra
description: Everything that runs the shop
environments:
  staging: {inventory: inventories/staging}
  production:
    inventory: inventories/production
    limit: web
    variables: {stage: live}
services:
  site: {playbook: playbooks/site.yml}
  upgrade: {playbook: playbooks/upgrade.yml, environments: [staging]}
"""
FILES = {
    "inventories/staging/hosts": "web1\n",
    "inventories/production/hosts": "web1\n",
    "playbooks/site.yml": "- hosts: all\n",
    "playbooks/upgrade.yml": "- hosts: all\n",
    "group_vars/all/vault.yml": "$ANSIBLE_VAULT;1.1;AES256\n0\n",
    "requirements.yml": "collections: []\n",
    "roles/shop/tasks/main.yml": "[]\n",
}
ADMIN = (Permission.ADMIN, Permission.VIEW)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two playbooks and two inventories."""
    return write(tmp_path / "infra", FILES)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files into a folder; return the folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def sync(store: Store, settings: Settings) -> None:
    """Sync the services folder."""
    service_usecases.sync_services(
        store, settings.services, settings.var, settings.node, ROOT
    )


def register(
    store: Store, settings: Settings, root: Path, text: str = DESCRIPTION
) -> None:
    """Register a repository with this fastdeploy.yml as the project infra."""
    write(root, {"fastdeploy.yml": text})
    source = json.dumps({"folder": str(root)})
    write(settings.services / "infra", {"project.json": source})
    sync(store, settings)


def snapshot(*folders: Path) -> set[str]:
    """Return the paths of everything in folders."""
    return {str(path) for folder in folders for path in folder.rglob("*")}


def test_the_api_lists_projects_with_environments_and_services(
    client_for: ClientFor, store: Store, settings: Settings, repository: Path
) -> None:
    register(store, settings, repository)

    (listed,) = client_for((Permission.VIEW,)).get("/api/projects").json()

    assert "infra" == listed["name"]
    assert str(repository) == listed["source"]
    assert "Everything that runs the shop" == listed["description"]
    assert "" == listed["problem"]
    assert [
        ("production", "inventories/production", "web", ["stage"]),
        ("staging", "inventories/staging", "", []),
    ] == [tuple(each.values()) for each in listed["environments"]]
    assert [
        {"name": f"infra/{service}@{environment}", "service": service,
         "environment": environment, "error": "", "warning": ""}
        for service, environment in (
            ("site", "production"), ("site", "staging"), ("upgrade", "staging"))
    ] == listed["services"]  # fmt: skip


def test_the_list_of_projects_reads_no_file(
    client_for: ClientFor, store: Store, settings: Settings, repository: Path
) -> None:
    register(store, settings, repository)
    shutil.rmtree(repository)

    (listed,) = client_for((Permission.VIEW,)).get("/api/projects").json()

    assert "Everything that runs the shop" == listed["description"]


@pytest.mark.parametrize("before", [DESCRIPTION, ""], ids=["was-valid", "never-valid"])
def test_a_project_that_cannot_be_read_is_listed_with_its_problem(
    client_for: ClientFor,
    store: Store,
    settings: Settings,
    repository: Path,
    before: str,
) -> None:
    if before:
        register(store, settings, repository, before)
    register(store, settings, repository, "project: infra\nservices: []\n")
    client = client_for((Permission.VIEW,))

    (listed,) = client.get("/api/projects").json()

    assert ("infra", []) == (listed["name"], listed["services"])
    assert "fastdeploy.yml, line 2" in listed["problem"]
    for path in ("/projects", "/projects/infra", "/"):
        answer = client.get(path)
        assert 200 == answer.status_code
        assert "fastdeploy.yml, line 2" in answer.text


def test_a_dry_run_shows_what_would_be_created_and_writes_nothing(
    client_for: ClientFor, settings: Settings, repository: Path
) -> None:
    before = snapshot(repository, settings.services)

    answer = client_for(ADMIN).post(
        "/api/projects", json={"path": str(repository), "dry_run": True}
    )

    found = answer.json()
    assert (200, False, "infra") == (
        answer.status_code, found["added"], found["name"],
    )  # fmt: skip
    assert ["playbooks/site.yml", "playbooks/upgrade.yml"] == found["playbooks"]
    assert ["inventories/production", "inventories/staging"] == found["inventories"]
    assert ["roles/shop"] == found["roles"]
    assert ["requirements.yml"] == found["requirements"]
    assert ["group_vars/all/vault.yml"] == found["vaulted"]
    assert found["description"].startswith("project: infra\n")
    assert 4 == len(found["services"])
    assert before == snapshot(repository, settings.services)


def test_the_requirements_that_a_run_needs_are_proposed(
    client_for: ClientFor, repository: Path
) -> None:
    write(repository, {
        "collections/requirements.yml": "collections: [community.general]\n",
        "roles/requirements.yml": "- src: geerlingguy.nginx\n",
        "molecule/default/requirements.yml": "collections: [containers.podman]\n",
    })  # fmt: skip

    answer = client_for(ADMIN).post(
        "/api/projects", json={"path": str(repository), "dry_run": True}
    )

    wanted = "requirements: [collections/requirements.yml, roles/requirements.yml]\n"
    assert wanted in answer.json()["description"]
    assert [] == [each["error"] for each in answer.json()["services"] if each["error"]]


def test_a_project_is_added_by_the_api_and_its_services_can_be_launched(
    client_for: ClientFor, settings: Settings, repository: Path
) -> None:
    client = client_for((*ADMIN, Permission.DEPLOY))

    answer = client.post(
        "/api/projects", json={"path": str(repository), "name": "shop"}
    )
    launched = client.post("/api/deployments", json={"service": "shop/site@staging"})

    assert (201, True) == (answer.status_code, answer.json()["added"])
    assert (repository / "fastdeploy.yml").read_text() == answer.json()["description"]
    assert 201 == launched.status_code
    assert {"project.json"} == {
        path.name for path in (settings.services / "shop").iterdir()
    }


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"path": "infra"}, 422, "must be an absolute path"),
        ({"path": "/nowhere/at/all"}, 422, "No such file or directory"),
        ({"path": "/dev/null"}, 422, "Not a directory"),
        ({"path": "/a\0b"}, 422, "must be an absolute path"),
        ({"path": "/" + "x" * 300}, 422, "File name too long"),
        ({"path": "EMPTY"}, 422, "there is no playbook in"),
        ({"path": "REPOSITORY", "name": "In fra"}, 422, "must be lower case letters"),
        ({"path": "REPOSITORY", "name": "../infra"}, 422, "must be lower case letters"),
        ({"path": "REPOSITORY", "name": "taken"}, 409, "there is a project or service"),
        ({"path": "BROKEN"}, 422, "fastdeploy.yml, line 2: invalid YAML"),
        ({"path": "REPOSITORY", "colour": "red"}, 422, "is not a known key"),
        ({}, 422, "is required"),
    ],
)
@pytest.mark.parametrize("more", [{"dry_run": True}, {}], ids=["dry-run", "add"])
def test_what_cannot_be_added_is_refused_with_a_sentence_and_nothing_is_written(
    client_for: ClientFor,
    settings: Settings,
    repository: Path,
    tmp_path: Path,
    body: dict[str, Any],
    status: int,
    sentence: str,
    more: dict[str, bool],
) -> None:
    places = {
        "REPOSITORY": repository,
        "EMPTY": write(tmp_path / "empty", {"README": ""}),
        "BROKEN": write(tmp_path / "broken", {"fastdeploy.yml": "services: [\n"}),
    }
    write(settings.services / "taken", {"config.json": "{}"})
    sent = {key: str(places.get(value, value)) for key, value in body.items()}
    before = snapshot(tmp_path)

    answer = client_for(ADMIN).post("/api/projects", json=sent | more)

    assert status == answer.status_code
    assert sentence in answer.json()["error"]
    assert before == snapshot(tmp_path)


def test_a_project_that_cannot_be_registered_leaves_no_file(
    client_for: ClientFor, settings: Settings, repository: Path
) -> None:
    settings.services.rmdir()
    before = snapshot(repository)

    answer = client_for(ADMIN).post("/api/projects", json={"path": str(repository)})

    assert 422 == answer.status_code
    assert "can't be registered in" in answer.json()["error"]
    assert before == snapshot(repository)


def test_if_runs_belong_to_another_user_root_registers_projects(
    store: Store, settings: Settings, repository: Path
) -> None:
    with started_web(settings.model_copy(update={"run_as": "deploy"})) as web:
        api = make_client(web, store, ADMIN)
        admin = make_client(web, store, Role.ADMIN)
        body = {"path": str(repository)}

        refused = api.post("/api/projects", json=body)
        form = body | {"csrf_token": csrf_of(admin, store)}
        page = admin.post("/new-project", data=form, headers={"Accept": "text/html"})
        listed = admin.get("/projects")

    assert (409, 409) == (refused.status_code, page.status_code)
    for text in (refused.json()["error"], page.text, listed.text):
        assert "root registers projects on the server" in text
    assert "Look at the repository" not in listed.text


def test_only_administrators_add_projects(
    client_for: ClientFor, store: Store, repository: Path
) -> None:
    everything_else = tuple(set(Permission) - {Permission.ADMIN})
    body = {"path": str(repository)}
    client = client_for(Role.DEPLOYER)
    form = body | {"csrf_token": csrf_of(client, store)}

    answers = [
        client_for(everything_else).post("/api/projects", json=body),
        client.get("/new-project", params=body),
        client.post("/new-project", data=form),
    ]

    assert [403, 403, 403] == [answer.status_code for answer in answers]
    assert "Add a repository" not in client.get("/projects").text
    assert not (repository / "fastdeploy.yml").exists()


def test_a_project_is_added_on_the_pages(
    client_for: ClientFor, store: Store, repository: Path
) -> None:
    client = client_for(Role.ADMIN)
    assert 'action="/new-project"' in client.get("/projects").text

    shown = client.get("/new-project", params={"path": str(repository)})
    form = {"path": str(repository), "name": "infra"}
    added = client.post(
        "/new-project", data=form | {"csrf_token": csrf_of(client, store)}
    )
    page = client.get(added.headers["location"])

    assert "infra/site@staging" in shown.text
    assert "playbooks/upgrade.yml" in shown.text
    assert (303, "/projects/infra?done=added") == (
        added.status_code, added.headers["location"],
    )  # fmt: skip
    assert "The project was added" in page.text
    assert 'href="/services/infra/site@staging#launch"' in page.text


def test_the_form_keeps_what_was_typed_and_shows_the_error_at_its_field(
    client_for: ClientFor,
) -> None:
    answer = client_for(Role.ADMIN).get("/new-project", params={"path": "infra"})

    assert 422 == answer.status_code
    assert 'value="infra"' in answer.text
    assert 'id="path-problem"' in answer.text


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


def deploy(store: Store, settings: Settings, name: str, version: str) -> int:
    """A successful deployment of a version of a service."""
    service = make_service(name=name, variables=make_schema(version={"type": "string"}))
    given = {"version": version}
    running = start_deployment(store, settings, service, given=given)
    record.finish(store, running.id, 0)
    return running.id


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


def add_jobs(store: Store, numbers: range) -> None:
    """Add services to the project infra, faster than a sync."""
    names = [f"infra/job-{number:04}" for number in numbers]
    rows = [
        {"name": name, "config": make_service(name=name).model_dump(mode="json")}
        for name in names
    ]
    with store.begin() as db:
        db.execute(insert(services), rows)


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
