"""Inspecting a repository finds its Ansible content without executing any of it."""

import os
from pathlib import Path

import pytest

from app.repository import Repository, inspect, is_playbook, plays

PLAYBOOK = "- name: Web\n  hosts: web\n  tasks: []\n"
TASKS = "- name: Copy\n  ansible.builtin.copy:\n    hosts: no key of a play\n"


def make(root: Path, files: dict[str, str]) -> Repository:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return inspect(root)


def test_each_kind_of_content_is_recognized(tmp_path: Path) -> None:
    found = make(
        tmp_path,
        {
            "ansible.cfg": "[defaults]\nroles_path = roles\n",
            "site.yml": PLAYBOOK,
            "playbooks/deep/upgrade.yaml": f"---\n# Upgrade\n{PLAYBOOK}",
            "inventories/staging/hosts.yml": "all: {}\n",
            "inventories/staging/group_vars/all.yml": "a: 1\n",
            "inventories/production": "[web]\nweb1\n",
            "hosts.ini": "[web]\nweb1\n",
            "inventory_aws.yml": "plugin: amazon.aws.aws_ec2\n",
            "roles/web/tasks/main.yml": TASKS,
            "roles/web/defaults/main.yml": "a: 1\n",
            "collections/requirements.yml": "collections: []\n",
            "group_vars/all/vault.yml": "$ANSIBLE_VAULT;1.1;AES256\n3133\n",
            "README.md": "# Infra\n",
        },
    )
    assert found == Repository(
        playbooks=["playbooks/deep/upgrade.yaml", "site.yml"],
        inventories=["hosts.ini", "inventories/production", "inventories/staging",
                     "inventory_aws.yml"],
        requirements=["collections/requirements.yml"],
        vaulted=["group_vars/all/vault.yml"],
        roles=["roles/web"],
        configured=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        PLAYBOOK,
        "---\n\n# A comment\n" + PLAYBOOK,
        "-   name: Wide\n    hosts: web\n",
        "- import_playbook: other.yml\n",
        "- ansible.builtin.import_playbook: other.yml\n",
        "- vars:\n    a: |\n      text\n  'hosts': web\n",
        "- {hosts: web, tasks: []}\n",
        "-\n  hosts: web\n",
    ],
)
def test_a_list_with_a_play_is_a_playbook(content: str) -> None:
    assert is_playbook(content.encode())


@pytest.mark.parametrize(
    "content",
    ["", "a: 1\n", TASKS, "- hosts\n", "hosts: web\n", "# only\n", "- {name: a}\n",
     "- name: a\n  block:\n    - name: b\n      add_host:\n        hosts: x\n"],
)  # fmt: skip
def test_anything_else_is_none(content: str) -> None:
    assert not is_playbook(content.encode())


def test_the_plays_of_a_playbook_are_listed_as_written(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(
        PLAYBOOK + "- hosts: '{{ target }}'\n- import_playbook: db.yml\n"
    )
    assert list(plays(tmp_path, "site.yml")) == [
        ("Web", "web"), ("", "{{ target }}"), ("", "db.yml"),
    ]  # fmt: skip


def test_what_cannot_be_inspected_is_named_and_the_rest_is_inspected(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "hosts")
    (tmp_path / "loop").symlink_to(tmp_path)
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yml"))).write_text(PLAYBOOK)
    broken = Path(os.fsdecode(os.fsencode(tmp_path) + b"/inventories/\xff"))
    broken.mkdir(parents=True)
    (tmp_path / "gone.yml").symlink_to("nowhere")
    found = make(tmp_path, {"site.yml": PLAYBOOK})
    assert found.playbooks == ["site.yml"]
    assert found.problems == [
        "gone.yml is not inspected: it can't be read (No such file or directory).",
        "'\\udcff.yml' is not inspected: its name is not valid UTF-8.",
        "'inventories/\\udcff' is not inspected: its name is not valid UTF-8.",
    ]


@pytest.mark.parametrize("deep", [b"[" * 100_000, b"- " * 100_000, b"? " * 100_000])
def test_a_file_that_is_nested_too_deeply_is_not_parsed(deep: bytes) -> None:
    assert not is_playbook(b"- {hosts: web}\n" + deep)
