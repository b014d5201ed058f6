"""Administrators accept the host keys of git servers in the browser."""

import getpass
import json
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from app.usecases import credentials, host_keys, services
from app.usecases.credentials import Change
from app.usecases.git_access import GitAccess
from testing.factories import ROOT
from testing.git_repository import GitRepository
from testing.sshd import Sshd, running
from testing.web_client import ClientFor

CREDENTIAL = "git-ssh:infra"
_FILES: dict[str, str | bytes] = {
    "fastdeploy.yml": "project: infra\nservices: {site: {playbook: site.yml}}\n",
    "site.yml": "- hosts: all\n",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running(tmp_path_factory.mktemp("sshd")) as sshd:
        yield sshd


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    made = GitRepository(tmp_path_factory.mktemp("git") / "infra")
    made.commit("First", _FILES)
    return made


@pytest.fixture(scope="module")
def url(server: Sshd, repository: GitRepository) -> str:
    return f"ssh://{getpass.getuser()}@127.0.0.1:{server.port}{repository.folder}"


@pytest.fixture(autouse=True)
def credential(store: Store, settings: Settings, server: Sshd) -> None:
    values = {"private_key": server.user_key.read_text()}
    secret_box = bootstrap.make_secret_box(settings)
    change = Change(values=values)
    credentials.put(store, secret_box, ROOT, CREDENTIAL, change, replace=False)


def sync(store: Store, settings: Settings) -> dict[str, str]:
    """Sync the services, and return the warnings and errors."""
    git = GitAccess(store, lambda: bootstrap.make_secret_box(settings))
    found = services.sync_services(
        store, settings.services, settings.var, settings.node, ROOT, reach=git.of
    )
    return found.invalid | found.warnings


def test_an_administrator_accepts_the_refused_key_of_a_git_server(
    store: Store, settings: Settings, server: Sshd, url: str, admin: TestClient,
    client_for: ClientFor,
) -> None:  # fmt: skip
    folder = settings.services / "infra"
    folder.mkdir()
    source = {"git": url, "credential": CREDENTIAL}
    (folder / "project.json").write_text(json.dumps(source))
    assert "accept it on the page of the project" in str(sync(store, settings))
    way = "/projects/infra/host-keys"

    page = admin.get("/projects/infra").text
    viewed = client_for(Role.VIEWER).get("/projects/infra").text
    other = admin.post(way, data={"fingerprint": "SHA256:other"})
    absent = admin.post("/projects/other/host-keys", data={"fingerprint": "x"})
    token = client_for((Permission.VIEW, Permission.DEPLOY))
    unallowed = token.post(way, data={"fingerprint": server.fingerprint})

    assert f'name="fingerprint" value="{server.fingerprint}"' in page
    assert server.fingerprint in viewed
    assert "An administrator can accept this key." in viewed
    assert [409, 404, 403] == [each.status_code for each in (other, absent, unallowed)]
    assert "" == host_keys.known_hosts_of(store, "infra")

    accepted = admin.post(way, data={"fingerprint": server.fingerprint})

    assert 303 == accepted.status_code
    assert server.line == host_keys.known_hosts_of(store, "infra")
    shown = admin.get(accepted.headers["Location"]).text
    assert "The host key was accepted." in shown
    assert 'value="SHA256' not in shown
    assert server.fingerprint in admin.get("/admin/audit").text
    assert {} == sync(store, settings)
    again = admin.post(way, data={"fingerprint": server.fingerprint})
    assert 404 == again.status_code


def test_a_changed_key_of_a_git_server_is_shown_until_it_is_accepted(
    store: Store, settings: Settings, server: Sshd, url: str, admin: TestClient
) -> None:
    folder = settings.services / "infra"
    folder.mkdir()
    source = {"git": url, "credential": CREDENTIAL}
    (folder / "project.json").write_text(json.dumps(source))
    sync(store, settings)
    admin.post("/projects/infra/host-keys", data={"fingerprint": server.fingerprint})
    assert {} == sync(store, settings)
    server.change_key()

    assert "has CHANGED" in sync(store, settings)["infra"]
    page = admin.get("/projects/infra").text
    assert "The host key of the git server has CHANGED." in page
    accepted = admin.post(
        "/projects/infra/host-keys", data={"fingerprint": server.fingerprint}
    )

    assert 303 == accepted.status_code
    assert {} == sync(store, settings)
    assert "has CHANGED" not in admin.get("/projects/infra").text


def test_a_key_is_accepted_when_the_project_is_added(
    store: Store, server: Sshd, url: str, admin: TestClient
) -> None:
    sent = {"path": url, "credential": CREDENTIAL, "look": "true"}

    refused = admin.post("/new-project", data=sent)
    invalid = admin.post("/new-project", data={**sent, "host_key": "no key"})

    assert [422, 422] == [refused.status_code, invalid.status_code]
    assert server.fingerprint in refused.text
    line = server.line.strip()
    assert f'name="host_key" value="{line}"' in unescape(refused.text)
    assert "the host key is invalid" in unescape(invalid.text)

    preview = admin.post("/new-project", data={**sent, "host_key": line})
    assert 200 == preview.status_code
    assert "" == host_keys.known_hosts_of(store, "infra")
    assert f'name="host_key" value="{line}"' in unescape(preview.text)
    added = admin.post("/new-project", data={**sent, "host_key": line, "look": ""})

    assert 303 == added.status_code, added.text
    assert server.line == host_keys.known_hosts_of(store, "infra")
    assert ["infra/site"] == services.names(store)


def test_the_api_names_the_line_that_accepts_the_key_of_a_new_project(
    store: Store, server: Sshd, url: str, client_for: ClientFor
) -> None:
    client = client_for((Permission.ADMIN, Permission.CREDENTIALS))
    body = {"path": url, "credential": CREDENTIAL}

    refused = client.post("/api/v1/projects", json=body)
    added = client.post("/api/v1/projects", json={**body, "host_key": server.line})

    assert (422, 201) == (refused.status_code, added.status_code), added.text
    assert server.line.strip() in refused.text
    assert server.line == host_keys.known_hosts_of(store, "infra")


def test_an_accepted_host_key_lets_a_project_be_fetched(
    store: Store, settings: Settings, repository: GitRepository, tmp_path: Path
) -> None:
    """The warning of the sync has the command that accepts it."""
    folder = settings.services / "infra"
    folder.mkdir()
    source = {"git": str(repository.folder)}
    (folder / "project.json").write_text(json.dumps(source))
    assert {} == sync(store, settings)
    (tmp_path / "sshd").mkdir()
    with running(tmp_path / "sshd", "canary phrase") as sshd:
        place = f"{getpass.getuser()}@127.0.0.1:{sshd.port}"
        url = f"ssh://{place}{repository.folder}"
        source = {"git": url, "credential": CREDENTIAL}
        (folder / "project.json").write_text(json.dumps(source))
        values = {"private_key": sshd.user_key.read_text(),
                  "passphrase": "canary phrase"}  # fmt: skip
        secret_box = bootstrap.make_secret_box(settings)
        change = Change(values=values)
        credentials.put(store, secret_box, ROOT, CREDENTIAL, change, replace=True)

        [warned] = sync(store, settings).values()
        assert "presented a host key that isn't known" in warned
        line = warned.partition("echo '")[2].partition("' | fastdeploy host-key add")[0]
        host_keys.add(store, ROOT, "infra", line)

        assert {} == sync(store, settings)
    view = credentials.find(store, ROOT, CREDENTIAL)
    assert (("infra",), True) == (view.projects, bool(view.credential.fingerprint))
