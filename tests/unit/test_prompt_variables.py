"""What a playbook asks for by `vars_prompt` is a launch variable, or refused."""

from pathlib import Path
from typing import Any

import pytest

from app import project
from app.domain.project_checks import check_project
from app.domain.prompt_variables import declare
from app.domain.service import Service


def look(
    folder: Path, prompts: str, config: str = "", **more: Any
) -> tuple[Service, list[str]]:
    """Return the service with its variables, and its problems."""
    (folder / "site.yml").write_text(
        "".join(f"- hosts: all\n  vars_prompt: {play}\n" for play in prompts.split("|"))
    )
    if config:
        (folder / "ansible.cfg").write_text(config)
    service = Service.model_validate({"name": "x", "playbook": "site.yml", **more})
    found = project.look(folder, service, project.own_ansible())
    said = [each.message for each in check_project(service, found)]
    return declare(service, found.prompts), said


SAID = 'The playbook asks for "a".'
EMPTY = f"{SAID} If it is empty, the playbook's default applies."


@pytest.mark.parametrize(
    ("prompts", "schema", "required"),
    [
        ("[{name: a, prompt: 'Who:', private: no}]",
         {"title": "Who", "description": SAID, "minLength": 1}, True),
        ("[{name: a, private: no, default: main}]",
         {"title": "a", "description": SAID, "default": "main"}, False),
        ("[{name: a, private: no, default: yes}]",
         {"title": "a", "description": SAID, "default": "True"}, False),
        ("[{name: a, private: no, default: '{{ b }}'}]",
         {"title": "a", "description": EMPTY}, False),
        ("[{name: a, prompt: '{{ b }}', confirm: yes}]",
         {"title": "a", "description": SAID, "minLength": 1, "writeOnly": True,
          "x-confirm": True}, True),
        ("[{name: a, default: canary}]",
         {"title": "a", "description": EMPTY, "writeOnly": True}, False),
        ("[{name: a, private: no, default: x}]|[{name: a, private: no}]",
         {"title": "a", "description": SAID, "minLength": 1}, True),
        ("[{name: a, private: no, default: x}]|[{name: a, private: no, default: y}]",
         {"title": "a", "description": EMPTY}, False),
    ],
    ids=["required", "default", "boolean", "template", "private-confirm",
         "private-default", "two-plays", "two-defaults"],
)  # fmt: skip
def test_a_prompt_is_a_launch_variable(
    tmp_path: Path, prompts: str, schema: dict[str, Any], *, required: bool
) -> None:
    service, said = look(tmp_path, prompts)

    assert [] == said
    assert {"a": {"type": "string", **schema}} == service.properties
    assert (["a"] if required else []) == service.variables.get("required", [])


def test_what_the_service_declares_or_fixes_stays(tmp_path: Path) -> None:
    schema = {"properties": {"a": {"enum": ["x", "y"]}}}
    prompts = "[{name: a}, {name: b}]"

    service, said = look(tmp_path, prompts, variables=schema, fixed_variables={"b": 1})

    assert [] == said
    assert {"a": {"enum": ["x", "y"]}} == service.properties
    assert ["a"] == service.variables["required"]


HASHED = "[{name: a, encrypt: sha512_crypt, default: x}]"


@pytest.mark.parametrize(
    ("prompts", "config", "more", "problem"),
    [
        (HASHED, "", {}, 'site.yml:2 asks for "a" and hashes the answer'),
        (HASHED, "", {"variables": {"properties": {"a": {"default": "x"}}}},
         'site.yml:2 asks for "a" and hashes the answer'),
        ("[{name: '{{ b }}'}]", "", {}, 'site.yml:2 asks for "{{ b }}"'),
        ("[]", "[defaults]\n\nask_pass = True\n", {},
         "ansible.cfg:3 sets ask_pass = True, and nobody can enter"),
        ("[]", "[privilege_escalation]\nbecome_ask_pass=yes\n", {},
         "ansible.cfg:2 sets become_ask_pass = yes"),
        ("[]", "[defaults]\nvault_identity_list = dev@prompt\n", {},
         "ansible.cfg:2 sets vault_identity_list = dev@prompt"),
        ("[]", "", {"environment": {"ANSIBLE_ASK_VAULT_PASS": "1"}},
         "environment sets ANSIBLE_ASK_VAULT_PASS"),
        ("[{name: a}]", "", {"schedules": [{"name": "n", "cron": "0 1 * * *"}]},
         "schedules.0.variables: a is required, and secret"),
    ],
    ids=["encrypt", "encrypt-declared", "templated-name", "ask-pass", "become",
         "vault", "environment", "schedule"],
)  # fmt: skip
def test_what_a_launch_cannot_answer_is_a_problem(
    tmp_path: Path, prompts: str, config: str, more: dict[str, Any], problem: str
) -> None:
    _, said = look(tmp_path, prompts, config, **more)

    assert 1 == len(said), said
    assert said[0].startswith(problem)


@pytest.mark.parametrize(
    ("prompts", "config", "more"),
    [
        (HASHED, "", {"fixed_variables": {"a": "$6$x"}}),
        ("[]", "[defaults]\nask_pass = True\n", {"credentials": ["password:b"]}),
        ("[]", "[defaults]\nask_pass = no\n[other]\nask_vault_pass = yes\n", {}),
    ],
    ids=["hashed-by-the-author", "credential", "off"],
)
def test_what_is_answered_already_is_accepted(
    tmp_path: Path, prompts: str, config: str, more: dict[str, Any]
) -> None:
    assert [] == look(tmp_path, prompts, config, **more)[1]
