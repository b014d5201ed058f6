"""FastDeploy fetches projects with the credentials that they name."""

import json
import sys
from collections.abc import Iterator
from html import unescape

import pytest
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.access import Permission
from app.domain.credential import Home, secrets
from app.encryption import SecretBox
from app.errors import Conflict, Invalid, InvalidFields
from app.settings import Settings
from app.store import deployments
from app.store import services as stored
from app.store.store import Store
from app.usecases import (
    credential_trial,
    credentials,
    project_proposals,
    projects,
    revisions,
    run_credentials,
    services,
)
from app.usecases.credential_trial import Target
from app.usecases.credentials import Change
from app.usecases.git_access import GitAccess
from app.usecases.project_proposals import AddRequest
from testing.factories import ROOT, make_service, request_deployment
from testing.git_http import GitHttp
from testing.git_repository import GitRepository
from testing.web_client import ClientFor

TOKEN = "canary-token-c0de"
REFERENCE = "git-token:infra"
_FILES: dict[str, str | bytes] = {
    "fastdeploy.yml": "project: infra\nservices: {site: {playbook: site.yml}}\n",
    "site.yml": "- hosts: all\n",
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    made = GitRepository(tmp_path_factory.mktemp("git") / "infra")
    made.commit("First", _FILES)
    return made


@pytest.fixture(scope="module")
def server(repository: GitRepository) -> Iterator[GitHttp]:
    """The repository behind a token."""
    root = repository.folder.parent
    with GitHttp(root, "x-access-token", TOKEN).serving() as started:
        yield started


@pytest.fixture
def url(server: GitHttp) -> str:
    return f"{server.address}/infra/.git"


@pytest.fixture
def secret_box(settings: Settings) -> SecretBox:
    return bootstrap.make_secret_box(settings)


@pytest.fixture
def git(store: Store, secret_box: SecretBox) -> GitAccess:
    return GitAccess(store, lambda: secret_box)


def put(
    store: Store, secret_box: SecretBox, change: Change, *, replace: bool = False
) -> None:
    credentials.put(store, secret_box, ROOT, REFERENCE, change, replace=replace)


def add(store: Store, settings: Settings, git: GitAccess, url: str) -> None:
    """Add the project with its credential, and sync it."""
    request = AddRequest(url, credential=REFERENCE)
    with project_proposals.propose_here(request, settings, ROOT, git) as proposal:
        projects.add(store, settings.services, proposal, ROOT)
    assert {} == sync(store, settings, git)


def sync(store: Store, settings: Settings, git: GitAccess) -> dict[str, str]:
    """Sync the services, and return the warnings."""
    return services.sync_services(
        store, settings.services, settings.var, settings.node, ROOT, reach=git.of
    ).warnings


def test_a_project_is_fetched_with_its_credential(
    store: Store, settings: Settings, secret_box: SecretBox, git: GitAccess,
    repository: GitRepository, url: str,
) -> None:  # fmt: skip
    put(store, secret_box, Change(values={"value": TOKEN}))
    add(store, settings, git, url)
    pushed = repository.commit("Second", {"more": "more"})

    chosen = revisions.choose(settings, git.of, "infra/site")

    assert chosen
    assert pushed == chosen.commit
    view = credentials.find(store, ROOT, REFERENCE)
    assert (("infra",), ["project infra"]) == (view.projects, view.needed_by)
    assert view.credential.last_used_at
    with pytest.raises(Conflict, match="infra can't be fetched without"):
        credentials.remove(store, ROOT, REFERENCE, force=False)
    registered = json.loads((settings.services / "infra/project.json").read_text())
    assert {"git": url, "credential": REFERENCE} == registered
    files = [path for path in settings.var.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_without_its_credential_the_last_fetch_is_shown_with_a_warning(
    store: Store, settings: Settings, secret_box: SecretBox, git: GitAccess, url: str
) -> None:
    put(store, secret_box, Change(values={"value": TOKEN}))
    add(store, settings, git, url)
    credentials.remove(store, ROOT, REFERENCE, force=True)

    warned = sync(store, settings, git)

    assert f"infra needs the credential {REFERENCE}" in warned["infra"]
    assert {REFERENCE: ("project infra",)} == credentials.declared_only(store, ROOT)
    with store.begin() as db:
        assert ["infra/site"] == stored.names(db)
    with pytest.raises(Conflict, match=f"infra needs the credential {REFERENCE}"):
        revisions.choose(settings, git.of, "infra/site")
    put(store, secret_box, Change(Home.PLACED))
    assert "infra needs the credential" in sync(store, settings, git)["infra"]


def test_a_registered_project_whose_credential_is_placed_is_fetched_without(
    store: Store, settings: Settings, git: GitAccess, repository: GitRepository
) -> None:
    """The repository is one that FastDeploy's user can read by itself."""
    folder = settings.services / "infra"
    folder.mkdir()
    (folder / "project.json").write_text(json.dumps({
        "git": str(repository.folder), "credential": REFERENCE,
        "registration": {"run_as": "deploy"},
    }))  # fmt: skip

    assert {} == sync(store, settings, git)

    with store.begin() as db:
        assert ["infra/site"] == stored.names(db)


def test_a_command_prints_the_token(
    store: Store, settings: Settings, secret_box: SecretBox, git: GitAccess, url: str
) -> None:
    command = (sys.executable, "-c", f"print({TOKEN!r})")
    put(store, secret_box, Change(Home.COMMAND, command=command))

    add(store, settings, git, url)

    fails = (sys.executable, "-c", "exit(3)")
    change = Change(Home.COMMAND, command=fails)
    put(store, secret_box, change, replace=True)
    assert "failed with exit code 3" in sync(store, settings, git)["infra"]


@pytest.mark.parametrize(
    ("registered", "expected"),
    [(True, {REFERENCE: {"value": TOKEN}}), (False, {})],
    ids=["another user", "FastDeploy"],
)
def test_a_run_gets_the_credential_if_another_user_fetches(
    store: Store, settings: Settings, secret_box: SecretBox,
    *, registered: bool, expected: dict[str, object],
) -> None:  # fmt: skip
    put(store, secret_box, Change(values={"value": TOKEN}))
    registration = {"run_as": "deploy"} if registered else None
    service = make_service(registration=registration)
    number = request_deployment(store, settings, service)

    taken = run_credentials.take(
        store, secret_box, number, run_as="", git_credential=REFERENCE
    )

    assert expected == taken
    with store.begin() as db:
        locked = deployments.lock(db, number)
    assert locked
    masked = list(secrets(secret_box.open(locked.secrets)))
    assert ([TOKEN] if registered else []) == masked
    used = credentials.find(store, ROOT, REFERENCE).credential.last_used_deployment
    assert (number if registered else None) == used


@pytest.mark.parametrize(
    ("credential", "problem"),
    [
        ("git-token:other", "needs the credential git-token:other: add it"),
        ("ssh:prod", "must be a credential such as git-ssh:infra or git-token:infra"),
        ("infra", "must be a credential such as"),
    ],
)
def test_a_project_with_another_credential_is_refused(
    settings: Settings, git: GitAccess, url: str, credential: str, problem: str
) -> None:
    request = AddRequest(url, credential=credential)

    with (
        pytest.raises(InvalidFields) as refused,
        project_proposals.propose_here(request, settings, ROOT, git),
    ):
        pass

    assert problem in refused.value.problems["credential"]


def test_only_who_manages_credentials_adds_a_project_with_one(
    client_for: ClientFor, store: Store, secret_box: SecretBox, url: str
) -> None:
    """Otherwise, its value could be sent to any host."""
    put(store, secret_box, Change(values={"value": TOKEN}))
    body = {"path": url, "credential": REFERENCE}

    refused = client_for((Permission.ADMIN,)).post("/api/v1/projects", json=body)
    both = client_for((Permission.ADMIN, Permission.CREDENTIALS, Permission.VIEW))
    added = both.post("/api/v1/projects", json=body)

    assert (403, 201) == (refused.status_code, added.status_code), added.text
    shown = both.get(f"/api/v1/credentials/{REFERENCE}").json()
    assert (["infra"], None) == (shown["projects"], shown["last_used_deployment"])
    assert REFERENCE == both.get("/api/v1/projects/infra").json()["credential"]
    tried = both.post(
        f"/api/v1/credentials/{REFERENCE}/test", json={"project": "infra"}
    )
    assert {"result": f"{url} can be read with it"} == tried.json()
    answers = (refused, added, tried, both.get("/api/v1/credentials"))
    assert not [answer for answer in answers if TOKEN in answer.text]


def test_the_pages_add_a_project_with_a_credential_and_show_both(
    admin: TestClient, url: str
) -> None:
    form = {"kind": "git-token", "name": "infra", "home": "stored", "value": TOKEN}
    asking = admin.post("/admin/new-credential", data={**form, "home": "ask"})
    saved = admin.post("/admin/new-credential", data=form)
    sent = {"path": url, "credential": REFERENCE}

    linked = admin.get("/new-project", params=sent)
    preview = admin.post("/new-project", data={**sent, "look": "true"})
    added = admin.post("/new-project", data=sent)

    assert [422, 303, 422, 200, 303] == [
        each.status_code for each in (asking, saved, linked, preview, added)
    ]
    assert f'name="credential" value="{REFERENCE}"' in preview.text
    assert f'href="/admin/credentials/{REFERENCE}"' in admin.get("/projects/infra").text
    page = admin.get(f"/admin/credentials/{REFERENCE}").text
    assert '<a href="/projects/infra">project infra</a>' in page
    assert "by a fetch" in page
    assert "project infra" in admin.get("/admin/credentials").text
    way = f"/admin/credentials/{REFERENCE}"
    assert 409 == admin.post(f"{way}/remove").status_code
    tried = admin.post(f"{way}/test", data={"project": "infra"})
    assert f"Tested: {url} can be read with it" in unescape(tried.text)
    unknown = admin.post(f"{way}/test", data={"project": "nothing"})
    assert "there is no project 'nothing'" in unescape(unknown.text)
    pages = (asking, preview, page, tried, unknown)
    assert not [each for each in pages if TOKEN in getattr(each, "text", each)]


def test_a_token_is_tried_on_a_repository(
    store: Store, settings: Settings, secret_box: SecretBox, url: str
) -> None:
    put(store, secret_box, Change(values={"value": TOKEN}))

    def try_on(target: Target) -> str:
        return credential_trial.try_on(store, secret_box, ROOT, REFERENCE, target)

    assert f"{url} can be read with it" == try_on(Target(url=url))
    with pytest.raises(Invalid, match="give the project to try it on"):
        try_on(Target())
    put(store, secret_box, Change(values={"value": "wrong"}), replace=True)
    with pytest.raises(Conflict, match="Authentication failed"):
        try_on(Target(url=url))
    settings.services.joinpath("here").mkdir()
    (settings.services / "here" / "fastdeploy.yml").write_text("project: here\n")
    with pytest.raises(Invalid, match="here is a folder"):
        credential_trial.url_of(settings.services, "here")
