"""Projects on the pages and in the API: what they show, and adding one."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from testing.registered_projects import DESCRIPTION, FILES, register, write
from testing.web_client import ClientFor, csrf_of, make_client, started_web

ADMIN = (Permission.ADMIN, Permission.VIEW)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two playbooks and two inventories."""
    return write(tmp_path / "infra", FILES)


def snapshot(*folders: Path) -> set[str]:
    """Return the paths of everything in folders."""
    return {str(path) for folder in folders for path in folder.rglob("*")}


def test_the_api_lists_projects_with_environments_and_services(
    client_for: ClientFor, store: Store, settings: Settings, repository: Path
) -> None:
    register(store, settings, repository)

    (listed,) = client_for((Permission.VIEW,)).get("/api/v1/projects").json()

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

    (listed,) = client_for((Permission.VIEW,)).get("/api/v1/projects").json()

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

    (listed,) = client.get("/api/v1/projects").json()

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
        "/api/v1/projects", json={"path": str(repository), "dry_run": True}
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
        "/api/v1/projects", json={"path": str(repository), "dry_run": True}
    )

    wanted = "requirements: [collections/requirements.yml, roles/requirements.yml]\n"
    assert wanted in answer.json()["description"]
    assert [] == [each["error"] for each in answer.json()["services"] if each["error"]]


def test_a_project_is_added_by_the_api_and_its_services_can_be_launched(
    client_for: ClientFor, settings: Settings, repository: Path
) -> None:
    client = client_for((*ADMIN, Permission.DEPLOY))

    answer = client.post(
        "/api/v1/projects", json={"path": str(repository), "name": "shop"}
    )
    launched = client.post("/api/v1/deployments", json={"service": "shop/site@staging"})

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

    answer = client_for(ADMIN).post("/api/v1/projects", json=sent | more)

    assert status == answer.status_code
    assert sentence in answer.json()["error"]
    assert before == snapshot(tmp_path)


def test_a_project_that_cannot_be_registered_leaves_no_file(
    client_for: ClientFor, settings: Settings, repository: Path
) -> None:
    settings.services.rmdir()
    before = snapshot(repository)

    answer = client_for(ADMIN).post("/api/v1/projects", json={"path": str(repository)})

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

        refused = api.post("/api/v1/projects", json=body)
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
        client_for(everything_else).post("/api/v1/projects", json=body),
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
