"""After a sync, a service says whether Ansible can load its playbook."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.deployment import Status
from app.store import syntax_checks
from app.usecases.services import find_service
from testing.command_line import command
from testing.git_repository import GitRepository
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.waiting import eventually

_PATIENCE = 120.0
_GOOD = "- hosts: localhost\n  gather_facts: false\n  tasks: []\n"
_ENCRYPTED = "$ANSIBLE_VAULT;1.1;AES256\n3132\n"
#: Playbooks, and the beginnings of what Ansible says about each; some versions begin
#: with a capital letter.
_PLAYBOOKS = {
    "good": (_GOOD, ""),
    "variable": ('- hosts: "{{ target }}"\n  tasks: []\n', ""),
    "syntax": ("- hosts: localhost\n  tasks: [\n", "YAML parsing failed: "),
    "role": ("- hosts: localhost\n  roles: [gone]\n", "the role 'gone' was not found"),
    "module": (
        "- hosts: localhost\n  tasks:\n    - my.own.module:\n",
        "couldn't resolve module/action 'my.own.module'",
    ),
    "vaulted": (
        "- hosts: localhost\n  vars_files: [secret.yml]\n",
        "Invalid vars_files file 'secret.yml': Attempting to decrypt but no vault",
    ),
    "with_credential": ("- hosts: localhost\n  vars_files: [secret.yml]\n", ""),
    "hostile": (
        '- hosts: localhost\n  "<b>\\e[31mx\\u202e</b>": []\n',
        "'<b>",
    ),
}
_PLACES = {"role": "(role.yml:2:11)", "module": "(module.yml:3:7)"}


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation whose worker has checked the playbooks of a project."""
    folder = tmp_path_factory.mktemp("checks")
    with installed(postgres, folder, syntax_check=True) as made:
        root = made.services / "many"
        root.mkdir()
        for name, (playbook, _) in _PLAYBOOKS.items():
            (root / f"{name}.yml").write_text(playbook)
        (root / "secret.yml").write_text(_ENCRYPTED)
        services: dict[str, dict[str, object]] = {
            name: {"playbook": f"{name}.yml"} for name in _PLAYBOOKS
        }
        services["variable"]["variables"] = {
            "properties": {"target": {"type": "string"}}
        }
        services["with_credential"]["credentials"] = ["vault:default"]
        content = {"project": "many", "services": services}
        (root / "fastdeploy.yml").write_text(json.dumps(content))
        made.worker()
        made.web()
        checked(made)
        yield made


def checked(site: Installation) -> None:
    """Wait until no check is due."""

    def none_due() -> bool:
        with site.store.begin() as db:
            return syntax_checks.next_due(db, site.settings.node) is None

    eventually(none_due, _PATIENCE)


def warning(site: Installation, name: str) -> str:
    return find_service(site.store, name).warning


def test_a_playbook_that_ansible_cannot_load_has_a_warning_with_its_place(
    site: Installation,
) -> None:
    for name, (_, beginning) in _PLAYBOOKS.items():
        said = warning(site, f"many/{name}")
        assert said.lower().startswith(beginning.lower()), name
        assert bool(said) == bool(beginning), name
        assert _PLACES.get(name, "") in said
        assert said.isprintable()


def test_the_warning_is_shown_before_a_launch(site: Installation) -> None:
    shown = command(site, "service", "show", "many/role", "--json")
    assert warning(site, "many/role") == json.loads(shown.stdout)["warning"]
    plain = command(site, "service", "show", "many/role").stdout
    plain = " ".join(plain.lower().split())
    assert "ansible can't load it: the role 'gone'" in plain
    with site.client() as client:
        for page in ("services/many/role", "projects/many", "projects/many/changing"):
            assert (
                "the role &#39;gone&#39; was not found" in client.get(f"/{page}").text
            )
        overview = client.get("/", params={"text": "many/role"}).text
        assert "t load it: " in overview
        hostile = client.get("/services/many/hostile").text
        assert "&lt;b&gt;" in hostile
        assert "<b>" not in hostile


def test_a_warning_does_not_prevent_a_launch_and_a_correction_removes_it(
    site: Installation,
) -> None:
    folder = site.write_files("fixed", {"site.yml": "- hosts: x\n  rolls: []\n"},
                              playbook="site.yml")  # fmt: skip
    checked(site)
    assert "'rolls' is not a valid attribute for a Play" in warning(site, "fixed")
    assert Status.FAILED is site.ended(site.launch("fixed")).status

    (folder / "site.yml").write_text(_GOOD)
    site.sync()

    # Removed by the sync itself: the result belongs to other content.
    assert "" == warning(site, "fixed")
    checked(site)
    assert "" == warning(site, "fixed")


def test_paths_with_spaces_are_added_checked_and_run(
    site: Installation, tmp_path: Path
) -> None:
    root = tmp_path / "spacy"
    (root / "play books").mkdir(parents=True)
    (root / "play books" / "my site.yml").write_text(_GOOD)
    (root / "inventories" / "my hosts").mkdir(parents=True)
    hosts = root / "inventories" / "my hosts" / "hosts"
    hosts.write_text("localhost ansible_connection=local\n")

    added = command(site, "project", "add", str(root), "--yes")

    assert 0 == added.returncode, added.stderr
    [name] = [each for each in site.sync().valid if each.startswith("spacy/")]
    checked(site)
    assert "" == warning(site, name)
    ended = site.ended(site.launch(name))
    assert Status.SUCCESSFUL is ended.status, ended.reason


def test_a_failed_check_is_repeated_by_the_next_sync(
    site: Installation, tmp_path: Path
) -> None:
    """The missing content may have been installed elsewhere."""
    site.write_files(
        "elsewhere",
        {"site.yml": "- hosts: localhost\n  roles: [outside]\n",
         "ansible.cfg": f"[defaults]\nroles_path = {tmp_path}\n"},
        playbook="site.yml",
    )  # fmt: skip
    checked(site)
    assert "role 'outside' was not found" in warning(site, "elsewhere")
    (tmp_path / "outside" / "tasks").mkdir(parents=True)

    site.sync()

    checked(site)
    assert "" == warning(site, "elsewhere")


def test_a_commit_is_checked_unless_its_environment_refuses_it(
    site: Installation, tmp_path: Path
) -> None:
    """Its plugins would run as FastDeploy's user."""
    repository = GitRepository(tmp_path / "infra")
    described = {
        "project": "infra",
        "environments": {
            "staging": {"inventory": "hosts"},
            "production": {"inventory": "hosts", "refs": ["refs/tags/v*"]},
        },
        "services": {"site": {"playbook": "site.yml"}},
    }
    repository.commit("First", {
        "site.yml": "- hosts: localhost\n  roles: [gone]\n", "hosts": "localhost\n",
        "fastdeploy.yml": json.dumps(described),
    })  # fmt: skip
    url = f"file://{repository.folder}"
    assert 0 == command(site, "project", "add", url, "--yes").returncode

    checked(site)

    assert "role 'gone' was not found" in warning(site, "infra/site@staging")
    assert "" == warning(site, "infra/site@production")
