"""Playbooks and tasks of the roles, run on this host."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    done = subprocess.run(
        [ROOT / "tools" / "run-playbook", "register", "nothing"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert 1 == done.returncode
    assert {"hello", "static-site", "fastdeploy-self"} <= set(done.stderr.split())


@pytest.mark.parametrize(
    "words", [("", ""), ("-i", "hello"), ("--confirm", ""), ("--confirm", "hallo")]
)
def test_nothing_is_removed_unless_its_name_is_confirmed(
    words: tuple[str, str],
) -> None:
    require = [str(ROOT / "tools" / "require-confirmation"), "remove-one", "hello"]

    refused = subprocess.run(
        [*require, *words], check=False, capture_output=True, text=True
    )
    accepted = subprocess.run([*require, "--confirm", "hello"], check=False)

    assert 1 == refused.returncode
    assert "./justw remove-one hello --confirm hello" in refused.stderr
    assert 0 == accepted.returncode


@pytest.mark.parametrize(
    "hosts", [None, "[others]\none\n"], ids=["no-file", "no-group"]
)
def test_an_inventory_without_a_fastdeploy_is_an_error(
    hosts: str | None, tmp_path: Path
) -> None:
    inventory = tmp_path / "hosts.ini"
    if hosts:
        inventory.write_text(hosts)

    done = subprocess.run(
        [ROOT / "tools" / "run-playbook", "register", "hello", "-i", inventory],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert 0 != done.returncode
    assert "[ERROR]" in done.stderr


@pytest.mark.parametrize(
    ("project", "sentence"),
    [
        ({"git": "https://git.example.org/infra.git", "refs": ["main"]}, ""),
        ({"git": "https://git.example.org/infra.git"}, "set fd_project to {git: URL"),
        ("https://git.example.org/infra.git", "The file must set fd_service_name to"),
    ],
    ids=["valid", "without-refs", "not-a-project"],
)
def test_the_variables_of_a_project_are_checked_before_anything_changes(
    tmp_path: Path, project: object, sentence: str
) -> None:
    file, inventory = tmp_path / "infra.yml", tmp_path / "hosts"
    variables = {"fd_service_name": "infra", "fd_project": project,
                 "fd_fastdeploy_root": f"{tmp_path}/site", "fd_sync_services": False,
                 "ansible_become": False,
                 "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                 }  # fmt: skip
    file.write_text(json.dumps(variables))
    inventory.write_text("[fastdeploy]\nlocalhost ansible_connection=local\n")

    # Only the tasks that are tagged `always`: they read and check.
    done = subprocess.run(
        [ROOT / "tools" / "run-playbook", "register", "project", "-e", f"@{file}",
         "-i", inventory, "--tags", "none"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    said = " ".join((done.stdout + done.stderr).split())
    assert bool(sentence) == bool(done.returncode), said
    assert sentence in said
    assert "changed=0" in said


def test_an_inventory_a_limit_and_the_rest_reach_ansible(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.ini"
    inventory.write_text("[fastdeploy]\none\ntwo\n")

    done = subprocess.run(
        [ROOT / "tools" / "run-playbook", "register", "hello", "-i", inventory,
         "--limit", "two", "--check", "--list-hosts"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip

    assert "register-hello.yml" in done.stdout
    assert ["two"] == re.findall(r"^      (\w+)$", done.stdout, re.MULTILINE)


def test_visudo_checks_each_of_sudos_rules_before_it_is_in_place() -> None:
    tasks = [
        task
        for file in (ROOT / "roles").glob("*/tasks/*.yml")
        for task in yaml.safe_load(file.read_text())
    ]
    writing = [
        content
        for task in tasks
        for content in task.values()
        if isinstance(content, dict)
        and str(content.get("dest")).startswith("/etc/sudoers.d/")
    ]

    assert 4 == len(writing)
    assert {"/usr/sbin/visudo -cqf %s"} == {each.get("validate") for each in writing}
    assert {"0440"} == {each.get("mode") for each in writing}


def test_the_release_to_go_back_to_is_the_last_that_passed_its_checks(
    tmp_path: Path,
) -> None:
    script = ROOT / "roles" / "fastdeploy_deploy" / "files" / "latest-verified-release"
    for age, name in enumerate(("newest", "older", "oldest")):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".proven").touch()
        os.utime(tmp_path / name / ".proven", (1000 - age, 1000 - age))
    (tmp_path / "never").mkdir()

    def last_proven(*but: Path) -> str:
        command = ["sh", *map(str, (script, tmp_path, *but))]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    assert str(tmp_path / "newest") == last_proven()
    assert str(tmp_path / "older") == last_proven(tmp_path / "newest")


def test_the_first_dump_before_what_serves_stays_however_many_follow(
    tmp_path: Path,
) -> None:
    """An update that was cut off after its migration dumps what it has migrated."""
    script = ROOT / "roles" / "fastdeploy_deploy" / "files" / "list-prunable-releases"
    releases, dumps = tmp_path / "releases", tmp_path / "dumps"
    dumps.mkdir()
    for age, name in enumerate(("new", "old")):
        (releases / name).mkdir(parents=True)
        (releases / name / ".proven").touch()
        os.utime(releases / name / ".proven", (1000 - age, 1000 - age))
    (tmp_path / "current").symlink_to(releases / "new")
    for age, name in enumerate(
        ("new-5", "new-4", "new-3", "new-2", "new-1", "old-2", "old-1", "gone-1")
    ):
        dump = dumps / f"before-{name}.dump"
        dump.touch()
        os.utime(dump, (1000 - age, 1000 - age))

    done = subprocess.run(
        ["sh", script, "2", releases, tmp_path / "current", dumps],
        check=True, capture_output=True, text=True,
    )  # fmt: skip

    assert ["new-3", "new-2", "old-2", "gone-1"] == [
        Path(line).stem.removeprefix("before-") for line in done.stdout.splitlines()
    ]


def test_recipes_use_what_makes_runs_faster(tmp_path: Path) -> None:
    playbook = tmp_path / "playbook.yml"
    # The parent of the command is the module.
    playbook.write_text("""
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.shell: tr "\\\\0" " " </proc/$PPID/cmdline
      register: shown
    - ansible.builtin.debug: {var: shown.stdout}
""")

    done = subprocess.run(
        [ROOT / "tools" / "bin" / "ansible-playbook", playbook, "-i", "localhost,",
         "-e", "ansible_python_interpreter={{ ansible_playbook_python }}"],
        check=False, capture_output=True, text=True,
        env={**os.environ, "ANSIBLE_PIPELINING": "true", "PYTHONDONTWRITEBYTECODE": ""},
    )  # fmt: skip

    assert 0 == done.returncode, done.stdout + done.stderr
    # The module is sent as bytecode.
    assert "_fastdeploy_archive=content" in "".join(done.stdout.split())
