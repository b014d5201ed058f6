"""What asks a person in a playbook is found; what doesn't ask is left alone."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.runner import prompt_scan, prompts
from app.runner.errors import RunnerError

PLAY = "- hosts: all\n  tasks:\n"
ASKS = "    - pause: {prompt: Go on?}\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder / "site.yml"


def places(folder: Path, files: Mapping[str, str]) -> list[str]:
    return [each.place for each in prompt_scan.find(folder, write(folder, files))]


@pytest.mark.parametrize(
    "task",
    [
        "pause: {prompt: Go on?}",
        "pause:",
        "ansible.builtin.pause: {prompt: Go on?}",
        "ansible.legacy.pause: {}",
        "pause: prompt='Go on?'",
        "action: pause prompt='Go on?'",
        "action: {module: ansible.builtin.pause, prompt: Go on?}",
        "local_action: pause",
        "{pause: {prompt: x}, when: gate}",
        "{pause: {seconds: null, prompt: x}}",
        "{block: [], rescue: [{pause: {prompt: x}}]}",
        "{block: [{block: [], always: [{pause: {prompt: x}}]}]}",
        "{vars: {a: !unsafe '{{', b: !vault 'x', c: !own [1]}, pause: {prompt: x}}",
    ],
)
def test_a_task_that_waits_for_a_person_is_found(task: str, tmp_path: Path) -> None:
    assert ["site.yml:3"] == places(tmp_path, {"site.yml": f"{PLAY}    - {task}\n"})


@pytest.mark.parametrize(
    "task",
    [
        "pause: {seconds: 5, prompt: Wait}",
        "pause: {minutes: '{{ minutes }}'}",
        "pause: seconds=5",
        "pause: minutes=5 prompt='Wait'",
        "{pause: , args: {seconds: 5}}",
        "{action: {module: pause, seconds: 1}}",
        "debug: {msg: pause}",
        "{name: pause, debug: {msg: 'prompt=x'}}",
        "include_tasks: '{{ which }}.yml'",
        "include_tasks: missing.yml",
        "include_tasks: ../outside.yml",
        "include_tasks: site.yml",
    ],
)
def test_a_task_that_does_not_wait_is_not_found(task: str, tmp_path: Path) -> None:
    write(tmp_path, {"outside.yml": "- pause:\n"})

    assert [] == places(tmp_path / "shop", {"site.yml": f"{PLAY}    - {task}\n"})


@pytest.mark.parametrize(
    ("place", "files"),
    [
        ("tasks/a.yml:1", {"site.yml": f"{PLAY}    - include_tasks: tasks/a.yml\n",
                           "tasks/a.yml": "- pause:\n"}),
        ("tasks/b.yml:2", {"site.yml": f"{PLAY}    - import_tasks:\n"
                                       "        file: tasks/a.yml\n",
                           "tasks/a.yml": "- block: [{include_tasks: b.yml}]\n",
                           "tasks/b.yml": "\n- pause:\n"}),
        ("more/b.yml:3", {"site.yml": "- ansible.builtin.import_playbook: more/b.yml\n",
                          "more/b.yml": f"{PLAY}{ASKS}"}),
        ("site.yml:4", {"site.yml": "- hosts: all\n  tasks: []\n  handlers:\n"
                                    "    - pause:\n"}),
        ("site.yml:2", {"site.yml": "- hosts: all\n  pre_tasks: [pause: ]\n"}),
        ("roles/web/tasks/main.yml:1", {"site.yml": "- hosts: all\n  roles: [web]\n",
                                        "roles/web/tasks/main.yml": "- pause:\n"}),
        ("roles/web/tasks/x.yml:1",
         {"site.yml": "- hosts: all\n  roles: [{role: web}]\n",
          "roles/web/tasks/main.yaml": "- include_tasks: x.yml\n",
          "roles/web/tasks/x.yml": "- pause:\n"}),
        ("roles/web/handlers/main.yml:1",
         {"site.yml": f"{PLAY}    - include_role: {{name: web}}\n",
          "roles/web/handlers/main.yml": "- pause:\n"}),
        ("roles/web/tasks/setup.yml:1",
         {"site.yml": f"{PLAY}    - import_role: name=web tasks_from=setup.yml\n",
          "roles/web/tasks/setup.yml": "- pause:\n"}),
        ("roles/base/tasks/main.yml:1",
         {"site.yml": "- hosts: all\n  roles: [web]\n",
          "roles/web/meta/main.yml": "dependencies: [{role: base}]\n",
          "roles/base/tasks/main.yml": "- pause:\n"}),
        ("parts/web/tasks/main.yml:1",
         {"site.yml": "- hosts: all\n  roles: [web]\n",
          "ansible.cfg": "[defaults]\nroles_path = parts:~/roles\n",
          "parts/web/tasks/main.yml": "- pause:\n"}),
        ("site.yml:6", {"site.yml": "- hosts: all\n  vars:\n    base: &base\n"
                                    "      pause:\n  tasks:\n    - <<: *base\n"}),
    ],
    ids=["include", "include-beside", "playbook", "handler", "pre-task", "role",
         "include-in-role", "handler-of-role", "tasks-from", "dependency",
         "roles-path", "merge-key"],
)  # fmt: skip
def test_what_a_playbook_names_is_followed(
    place: str, files: dict[str, str], tmp_path: Path
) -> None:
    assert [place] == places(tmp_path, files)


def test_a_role_behind_a_link_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "shared", {"web/tasks/main.yml": "- pause:\n"})
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "roles").symlink_to(tmp_path / "shared")

    found = places(folder, {"site.yml": "- hosts: all\n  roles: [web]\n"})

    assert ["roles/web/tasks/main.yml:1"] == found


@pytest.mark.parametrize(
    "content",
    [
        "", "text", "{", "- [", "\x00", "- &a [*a]", "[" * 5000,
        "- hosts: &a\n    <<: *a", "- hosts: all\n  tasks: &a [{block: *a}]\n",
        "$ANSIBLE_VAULT;1.1;AES256\n3132\n", "- hosts: all\n  tasks: {pause: }\n",
        "- {? [a] : b}", "a: b\n---\n- pause:\n",
    ],
    ids=["empty", "text", "open", "open-list", "nul", "alias", "deep", "own-merge",
         "own-block",
         "vault", "no-list", "list-as-key", "two-documents"],
)  # fmt: skip
def test_other_files_than_playbooks_have_no_prompts(
    content: str, tmp_path: Path
) -> None:
    assert [] == places(tmp_path, {"site.yml": content})


def test_includes_without_end_are_followed_once(tmp_path: Path) -> None:
    chain = {f"{n}.yml": f"- include_tasks: {n + 1}.yml\n" for n in range(900)}
    site = f"{PLAY}    - include_tasks: 0.yml\n"

    assert (
        [] == places(tmp_path, {"site.yml": site, **chain, "9.yml": "- pause:\n"})[1:]
    )


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yml")

    assert [] == places(tmp_path, {"site.yml": f"{PLAY}    - include_tasks: a.yml\n"})


ASKED = "- hosts: all\n  vars_prompt:\n    - name: version\n"


def test_a_variable_is_asked_for_unless_it_is_given(tmp_path: Path) -> None:
    found = prompts.find(tmp_path, write(tmp_path, {"site.yml": ASKED}))

    prompts.require_answers(found, {"version"}, ())
    with pytest.raises(RunnerError, match=r'site.yml:3 asks for "version"'):
        prompts.require_answers(found, {"other"}, ())


def test_a_run_is_refused_for_a_role_that_pauses(tmp_path: Path) -> None:
    files = {"site.yml": "- hosts: all\n  roles: [web]\n",
             "roles/web/tasks/main.yml": "- ansible.builtin.pause:\n"}  # fmt: skip

    found = prompts.find(tmp_path, write(tmp_path, files))

    with pytest.raises(RunnerError, match=r"roles/web/tasks/main.yml:1 pauses until"):
        prompts.require_answers(found, (), ())
