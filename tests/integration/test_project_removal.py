"""Removing a project: its services are archived, and everything else is kept."""

import json
import shutil
from pathlib import Path

import pytest

from app import bootstrap
from app.domain.access import Permission, Role
from app.domain.audit import Action
from app.domain.deployment import Origin
from app.errors import Conflict, NotFound
from app.queue import make_queue
from app.settings import Settings
from app.store import audit
from app.store.store import Store
from app.usecases import (
    deploy,
    project_proposals,
    project_removal,
    record,
    retention,
    services,
)
from app.usecases.cancel import cancel
from testing.factories import ROOT, write_service
from testing.git_repository import GitRepository
from testing.web_client import ClientFor, csrf_of, make_client, started_web

DESCRIPTION = """\
project: infra
environments:
  staging: {inventory: hosts}
services:
  site: {playbook: site.yml}
  upgrade: {playbook: site.yml}
"""
FILES = {"fastdeploy.yml": DESCRIPTION, "site.yml": "- hosts: all\n", "hosts": "web1\n"}
SERVICES = ["infra/site@staging", "infra/upgrade@staging"]
registered = pytest.mark.usefixtures("repository")
ADMIN = (Permission.ADMIN, Permission.VIEW)


@pytest.fixture
def repository(store: Store, settings: Settings, tmp_path: Path) -> GitRepository:
    """A git repository that is registered as the project infra, and another service."""
    found = GitRepository(tmp_path / "infra")
    found.commit("Describe the project", FILES)
    register(settings, {"git": f"file://{found.folder}"})
    write_service(settings.services, "hello")
    sync(store, settings)
    return found


def register(settings: Settings, source: dict[str, str]) -> Path:
    """Register a project; return the folder of its registration."""
    folder = settings.services / "infra"
    folder.mkdir()
    (folder / "project.json").write_text(json.dumps(source))
    return folder


def sync(store: Store, settings: Settings) -> None:
    services.sync_services(store, settings.services, settings.var, settings.node, ROOT)


def launch(store: Store, settings: Settings) -> int:
    """Launch the service infra/site@staging as the sync has stored it."""
    return deploy.launch(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        actor=ROOT,
        origin=Origin.CLI,
        service_name=SERVICES[0],
        given={},
    )


def active(store: Store) -> list[str]:
    return [each.entry.name for each in services.list_services(store)]


def test_its_services_are_archived_and_the_rest_is_kept(
    store: Store, settings: Settings, repository: GitRepository
) -> None:
    number = launch(store, settings)
    record.mark_starting(store, number, "here")
    record.fail(store, number, "out of luck")
    mirror = settings.data / "projects" / "infra"
    assert mirror.is_dir()

    archived = project_removal.remove(store, settings, "infra", ROOT)

    assert SERVICES == archived
    assert ["hello"] == active(store)
    assert ["hello"] == [path.name for path in settings.services.iterdir()]
    assert not mirror.exists()
    assert DESCRIPTION == (repository.folder / "fastdeploy.yml").read_text()
    assert "out of luck" == deploy.find(store, number).reason
    with store.begin() as db:
        assert (Action.REMOVE_PROJECT, "infra") == (
            audit.latest(db)[0].action, audit.latest(db)[0].subject,
        )  # fmt: skip
    sync(store, settings)
    assert ["hello"] == active(store)


def test_the_mirror_of_an_unregistered_project_is_removed_when_nothing_needs_it(
    store: Store, settings: Settings, repository: GitRepository
) -> None:
    mirrors = settings.data / "projects"
    with project_proposals.propose_repository(
        f"file://{repository.folder}", settings.data, "infra"
    ):
        pass
    number = launch(store, settings)
    record.mark_starting(store, number, "here")
    retention.prune(store, settings)
    assert ["infra"] == mirrors_in(mirrors), "it is registered"
    shutil.rmtree(settings.services / "infra")
    sync(store, settings)
    retention.prune(store, settings)
    assert ["infra"] == mirrors_in(mirrors), "a deployment has not ended"

    record.fail(store, number, "out of luck")
    away = settings.services.rename(settings.services.with_name("away"))
    retention.prune(store, settings)
    assert ["infra"] == mirrors_in(mirrors), "the services folder can't be read"
    away.rename(settings.services)
    retention.prune(store, settings)

    assert [".lock"] == [path.name for path in mirrors.iterdir()]


def mirrors_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


@pytest.mark.parametrize("state", ["queued", "running"])
@registered
def test_it_is_refused_while_a_deployment_has_not_ended(
    store: Store, settings: Settings, state: str
) -> None:
    number = launch(store, settings)
    if state == "running":
        record.mark_starting(store, number, "here")

    with pytest.raises(Conflict, match=rf"have not ended \({number}\): wait, or canc"):
        project_removal.remove(store, settings, "infra", ROOT)

    assert sorted([*SERVICES, "hello"]) == active(store)
    assert (settings.services / "infra" / "project.json").exists()
    if state == "queued":
        cancel(store, make_queue(settings), ROOT, number)
        assert SERVICES == project_removal.remove(store, settings, "infra", ROOT)


def test_a_link_is_removed_and_what_it_leads_to_is_kept(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    root = tmp_path / "content"
    root.mkdir()
    for name, text in FILES.items():
        (root / name).write_text(text)
    (settings.services / "infra").symlink_to(root)
    sync(store, settings)

    archived = project_removal.remove(store, settings, "infra", ROOT)

    assert SERVICES == archived
    assert [] == list(settings.services.iterdir())
    assert sorted(FILES) == sorted(path.name for path in root.iterdir())


def test_the_folder_of_the_project_itself_is_not_deleted(
    store: Store, settings: Settings
) -> None:
    folder = settings.services / "infra"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    sync(store, settings)

    with pytest.raises(Conflict, match="has more than the registration of the project"):
        project_removal.remove(store, settings, "infra", ROOT)

    assert sorted(FILES) == sorted(path.name for path in folder.iterdir())
    assert SERVICES == active(store)


@pytest.mark.parametrize("name", ["hello", "nothing", "infra/site", "..", ""])
@registered
def test_what_is_not_a_project_is_not_removed(
    store: Store, settings: Settings, name: str
) -> None:
    with pytest.raises(NotFound, match="there is no project"):
        project_removal.remove(store, settings, name, ROOT)

    assert sorted([*SERVICES, "hello"]) == active(store)


@registered
def test_a_project_that_cannot_be_read_is_removed_with_its_error(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    (settings.services / "infra" / "fastdeploy.yml").write_text("services: []\n")
    sync(store, settings)

    project_removal.remove(store, settings, "infra", ROOT)

    assert ["hello"] == active(store)
    assert [] == client_for((Permission.VIEW,)).get("/api/v1/projects").json()


@registered
def test_only_administrators_remove_projects(
    client_for: ClientFor, store: Store
) -> None:
    everything_else = tuple(set(Permission) - {Permission.ADMIN})
    client = client_for(Role.DEPLOYER)
    form = {"csrf_token": csrf_of(client, store)}

    answers = [
        client_for(everything_else).delete("/api/v1/projects/infra"),
        client.post("/projects/infra/remove", data=form),
    ]

    assert [403, 403] == [answer.status_code for answer in answers]
    assert "/projects/infra/remove" not in client.get("/projects/infra").text
    assert sorted([*SERVICES, "hello"]) == active(store)


@registered
def test_if_runs_belong_to_another_user_nobody_removes_one_here(
    store: Store, settings: Settings
) -> None:
    with started_web(settings.model_copy(update={"run_as": "deploy"})) as web:
        refused = make_client(web, store, ADMIN).delete("/api/v1/projects/infra")
        page = make_client(web, store, Role.ADMIN).get("/projects/infra")

    assert 409 == refused.status_code
    assert "root registers projects on the server" in refused.json()["error"]
    assert "/projects/infra/remove" not in page.text
    assert sorted([*SERVICES, "hello"]) == active(store)


@registered
def test_it_is_removed_on_its_page(client_for: ClientFor, store: Store) -> None:
    client = client_for(Role.ADMIN)
    assert 'action="/projects/infra/remove"' in client.get("/projects/infra").text

    removed = client.post(
        "/projects/infra/remove", data={"csrf_token": csrf_of(client, store)}
    )

    assert (303, "/projects?done=removed") == (
        removed.status_code, removed.headers["location"],
    )  # fmt: skip
    assert "The project was removed" in client.get("/projects?done=removed").text
    assert 404 == client.get("/projects/infra").status_code
    assert "archived" in client.get(f"/services/{SERVICES[0]}").text


def test_the_api_shows_a_project_lists_its_refs_and_removes_it(
    client_for: ClientFor,
    store: Store,
    settings: Settings,
    repository: GitRepository,
) -> None:
    for name in ("v1.0", "v2.0"):
        repository.commit(f"Release {name}", {"version": name})
        repository.git("tag", name)
    sync(store, settings)
    client = client_for(ADMIN)

    shown = client.get("/api/v1/projects/infra").json()
    refs = client.get("/api/v1/projects/infra/refs").json()
    tags = client.get("/api/v1/projects/infra/refs?prefix=v").json()
    full = client.get("/api/v1/projects/infra/refs?prefix=refs/tags/v1").json()
    removed = client.delete("/api/v1/projects/infra")

    assert SERVICES == [each["name"] for each in shown["services"]]
    assert shown["source"] == f"file://{repository.folder}"
    assert {"main", "v1.0", "v2.0"} == {ref["short"] for ref in refs}
    assert ["v2.0", "v1.0"] == [ref["short"] for ref in tags]
    assert "Release v2.0" == tags[0]["subject"]
    assert ["refs/tags/v1.0"] == [ref["name"] for ref in full]
    assert (200, {"name": "infra", "archived": SERVICES}) == (
        removed.status_code, removed.json(),
    )  # fmt: skip
    for path in ("/api/v1/projects/infra", "/api/v1/projects/infra/refs"):
        assert 404 == client.get(path).status_code
