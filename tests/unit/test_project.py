"""What a run would lack in its folder, as sync and doctor say it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app import project
from app.domain.project_checks import check_project
from app.domain.service import Service
from app.project import Ansible

SITE = "- hosts: localhost\n  tasks: []\n"


def service(**more: Any) -> Service:
    return Service.model_validate({"name": "shop", "playbook": "site.yml", **more})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "shop", {"site.yml": SITE})
    return tmp_path / "shop"


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def ansible(folder: Path) -> Ansible:
    """Of a user whose home and Python are beside the service's folder."""
    place = folder.parent
    return Ansible(place / "home", (place / "packages",), place / "bin/ansible-galaxy")


def sentences(folder: Path, of: Service, *, copy: bool = False) -> list[str]:
    seen = project.look(folder, of, None if copy else ansible(folder))
    return [found.message for found in check_project(of, seen)]


def test_a_folder_with_everything_has_no_problem(folder: Path) -> None:
    assert [] == sentences(folder, service())


@pytest.mark.parametrize("key", ["playbook", "inventory", "sops_files"])
def test_a_file_behind_a_link_out_of_the_folder_is_refused(
    folder: Path, key: str
) -> None:
    write(folder.parent / "shared", {"x.yml": SITE})
    (folder / "repo").symlink_to("../shared")
    names = ["repo/x.yml"] if key == "sops_files" else "repo/x.yml"

    (sentence,) = sentences(folder, service(**{key: names}))

    assert f'"repo/x.yml" of "{key}" lies outside {folder}' in sentence


@pytest.mark.parametrize("key", ["playbook", "inventory"])
def test_a_missing_file_is_refused_in_a_copy_too(folder: Path, key: str) -> None:
    (sentence,) = sentences(folder, service(**{key: "gone.yml"}), copy=True)

    assert f'"gone.yml" of "{key}" is missing' in sentence


def test_a_copy_needs_no_encrypted_files(folder: Path) -> None:
    registered = service(sops_files=["secrets.sops.yml"])

    assert [] == sentences(folder, registered, copy=True)
    assert "is missing" in sentences(folder, registered)[0]


def test_a_script_that_nobody_may_execute_is_refused_with_the_command(
    folder: Path,
) -> None:
    write(folder, {"deploy.py": "#!/bin/sh\n"})
    script = service(playbook=None, deploy_script="deploy.py")

    (sentence,) = sentences(folder, script)

    assert f"can't be executed; allow it by `chmod +x {folder}/deploy.py`." in sentence

    (folder / "deploy.py").chmod(0o755)

    assert [] == sentences(folder, script)


COLLECTIONS = """\
collections:
  - community.general
  - {name: ansible.posix, version: ">=1"}
  - name: https://example.org/ours.git
    type: git
"""


def test_a_missing_collection_is_named_with_the_command_that_installs_it(
    folder: Path,
) -> None:
    write(folder, {"collections/requirements.yml": COLLECTIONS})
    (folder / "collections/ansible_collections/ansible/posix").mkdir(parents=True)

    (sentence,) = sentences(folder, service())

    assert (
        "collections/requirements.yml asks for community.general, which the run would "
        f"not find; install it by `{folder.parent}/bin/ansible-galaxy collection "
        f"install -r {folder}/collections/requirements.yml -p {folder}/collections`."
    ) == sentence


@pytest.mark.parametrize(
    "place",
    [
        "shop/collections",
        "home/.ansible/collections",
        "packages",
        "shop/parts",
        "home/mine",
        "elsewhere",
    ],
)
def test_a_collection_is_found_wherever_the_run_would_find_it(
    folder: Path, place: str
) -> None:
    write(folder, {"requirements.yml": "collections: [community.general]\n"})
    if place not in {"home/.ansible/collections", "packages"}:
        paths = f"parts:~/mine:{folder.parent}/elsewhere/ansible_collections"
        write(folder, {"ansible.cfg": f"[defaults]\ncollections_path = {paths}\n"})

    assert 1 == len(sentences(folder, service()))

    path = folder.parent / place / "ansible_collections/community/general"
    path.mkdir(parents=True)

    assert [] == sentences(folder, service())


def test_what_a_registered_service_lacks_is_installed_for_all(folder: Path) -> None:
    """A registration would remove what is installed into its project."""
    write(folder, {"requirements.yml": "collections: [a.b, c.d]\n"})
    place = folder.parent
    write(place, {"deploy.py": f"#!{place}/bin/python -I\n"})
    (place / "lib/python3.99/site-packages/ansible_collections/c/d").mkdir(parents=True)

    of_program = project.ansible_of(place / "deploy.py", place / "home")

    assert of_program is not None
    (required,) = project.look(folder, service(), of_program).requirements
    assert ("a.b",) == required.missing
    assert (
        f"{place}/bin/ansible-galaxy collection install -r {folder}/requirements.yml "
        "-p /usr/share/ansible/collections"
    ) == required.install


ROLES = """\
- src: https://example.org/ops/motd.git
  scm: git
  name: motd
- src: https://example.org/ops/web.git
- geerlingguy.nginx,3.1.0
- {src: geerlingguy.redis}
"""


@pytest.mark.parametrize("form", ["list", "object"])
def test_a_missing_role_is_named(folder: Path, form: str) -> None:
    indented = "roles:\n" + ROLES
    write(folder, {"roles/requirements.yml": ROLES if form == "list" else indented})
    (folder / "roles/geerlingguy.nginx").mkdir()
    write(folder.parent / "home/.ansible/roles/web", {"tasks/main.yml": ""})

    (sentence,) = sentences(folder, service())

    assert "roles/requirements.yml asks for motd, geerlingguy.redis," in sentence
    assert f"role install -r {folder}/roles/requirements.yml" in sentence


def test_requirements_beside_a_playbook_further_down_count(folder: Path) -> None:
    write(folder, {"plays/site.yml": SITE,
                   "plays/requirements.yml": "collections: [a.b]"})  # fmt: skip

    (sentence,) = sentences(folder, service(playbook="plays/site.yml"))

    assert f"-p {folder}/plays/collections" in sentence


@pytest.mark.parametrize(
    "line",
    [
        "vault_password_file = keys/vault",
        "vault_password_file = ~/vault",
        "vault_identity_list = dev@keys/vault",
        "vault_identity_list = prod@~/there, dev@keys/vault",
    ],
)
def test_a_missing_vault_file_is_named(folder: Path, line: str) -> None:
    write(folder, {"ansible.cfg": f"[defaults]\n{line}\n"})
    write(folder.parent / "home", {"there": "x"})

    (sentence,) = sentences(folder, service())

    home = f"{folder.parent}/home" if "~/vault" in line else f"{folder}/keys"
    assert f"ansible.cfg names {home}/vault for vault passwords" in sentence


VERSION = {"properties": {"version": {"type": "string"}}}
ASKS = "- hosts: all\n  vars_prompt: [{name: version}]\n"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"variables": VERSION},
        {"variables": VERSION | {"required": ["version"]}},
        {"variables": {"properties": {"version": {"default": "1"}}}},
        {"sops_files": ["site.yml"]},
    ],
    ids=["undeclared", "declared", "required", "default", "left-to-the-runner"],
)
def test_a_prompt_that_each_launch_answers_is_accepted(
    folder: Path, more: dict[str, Any]
) -> None:
    write(folder, {"site.yml": ASKS})

    assert [] == sentences(folder, service(**more))


def test_a_playbook_that_pauses_is_refused_in_a_copy_too(folder: Path) -> None:
    write(folder, {"site.yml": "- hosts: all\n  tasks: [{pause: {prompt: Go?}}]\n"})

    (sentence,) = sentences(folder, service(), copy=True)

    assert "site.yml:2 pauses until somebody answers" in sentence
