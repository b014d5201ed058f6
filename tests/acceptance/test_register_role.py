"""The role that registers a service writes and validates its config.json."""

import json
import os
import pwd
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.domain.config_json import parse
from app.domain.registration import Registration
from testing.register_role import register


def test_config_json_is_registered_whole_from_a_dict_and_from_a_file(
    tmp_path: Path,
) -> None:
    """A key that only FastDeploy knows needs no change of the role."""
    config = {"playbook": "deploy.yml", "keep": {"days": 3}, "a key": [1, "x", {}]}
    (tmp_path / "config.json").write_text(json.dumps(config))

    from_dict, from_file, absolute = register(
        tmp_path,
        {"fastdeploy_service_config": config, "fd_project": "/srv/shop"},
        {"fastdeploy_service_config": "config.json"},
        {"fastdeploy_service_config": str(tmp_path / "config.json")},
        then="",
    )

    registration = {"run_as": "deploy", "run_group": "fastdeploy-run",
                    "become": "none", "egress": "closed"}  # fmt: skip
    expected = config | {"name": "shop", "registration": registration}
    assert [expected] * 3 == [from_dict, from_file, absolute]


def test_a_project_is_registered_with_its_repository_and_nothing_else(
    tmp_path: Path,
) -> None:
    """The host of the repository is the only destination that opens."""
    folder = tmp_path / "content"
    folder.mkdir()
    folder.chmod(0o777)
    url = "https://git.example.org/infra.git"
    placed = {"git-token:infra": {"value": "canary"}}
    limited = {"git": url, "refs": ["main"]}
    (
        wrong_kind, undeclared, unlimited, with_config, no_text, open_folder, accepted,
    ) = register(
        tmp_path,
        {"fd_project": limited | {"credential": "ssh:infra"}},
        {"fd_project": limited, "fd_credentials": placed},
        {"fd_project": {"git": url}},
        {"fd_project": {"git": url, "refs": ["main"]},
         "fastdeploy_service_config": {"playbook": "site.yml"}},
        {"fd_project": {"git": url, "refs": ["main"], "description": ["a"]}},
        {"fd_project": {"folder": str(folder)}},
        {"fd_project": limited | {"credential": "git-token:infra"},
         "fd_credentials": placed},
    )  # fmt: skip
    urls = register(
        tmp_path,
        *({"fd_project": limited | {"git": each}}
          for each in (url, "git@git.example.org:infra.git", "/srv/infra",
                       "ssh://git@[2001:db8::1]:2222/infra")),
        then="",
    )  # fmt: skip

    assert "credential (git-ssh:NAME or git-token:NAME)" in wrong_kind
    assert "or be the credential of fd_project" in undeclared

    assert "set fd_project to {git: URL" in unlimited
    assert "set fd_project to {git: URL" in with_config
    assert "description may be the content of a fastdeploy.yml" in no_text
    assert "only root may write" in open_folder
    assert [
        ["git.example.org:443"], ["git.example.org:443"], ["git.example.org:22"],
        "closed", ["[2001:db8::1]:2222"],
    ] == [each["registration"]["egress"] for each in (accepted, *urls)]  # fmt: skip


def test_the_variables_of_the_deployment_guide_write_a_config_json(
    tmp_path: Path,
) -> None:
    [config] = register(
        tmp_path,
        {"fd_service_description": "The shop.", "fd_runner_content": "#!/bin/sh\n"},
    )

    service = parse(json.dumps(config).encode(), "shop")
    assert ("deploy.py", "The shop.") == (service.deploy_script, service.description)
    assert service.registration == Registration(
        run_as="deploy", run_group="fastdeploy-run"
    )


def test_the_program_of_a_script_service_is_next_to_its_config_json(
    tmp_path: Path,
) -> None:
    for folder, program in (("a", ""), ("b", "echo\n"), ("c", "#!/bin/sh\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text('{"deploy_script": "run.sh"}')
        if program:
            (tmp_path / folder / "run.sh").write_text(program)

    missing, without_first_line, config = register(
        tmp_path,
        *({"fastdeploy_service_config": f"{name}/config.json"} for name in "abc"),
    )

    assert f"{tmp_path}/a/run.sh" in missing
    assert "must start with #!" in without_first_line
    assert "run.sh" == config["deploy_script"]


def test_the_calendars_of_schedules_are_copied_beside_config_json(
    tmp_path: Path,
) -> None:
    """The project of a playbook service has them already; URLs aren't files."""
    schedules = [
        {"name": "a", "cron": "0 3 * * *",
         "not_during": ["freezes.ics", "https://example.org/a.ics"]},
        {"name": "b", "cron": "0 4 * * *", "not_during": ["freezes.ics", "x/more.ics"]},
        {"name": "c", "cron": "0 5 * * *"},
    ]  # fmt: skip
    script = {"fd_runner_content": "#!/bin/sh\n"}
    playbook = {"playbook": "a.yml", "inventory": "hosts"}
    prefix = "_fastdeploy_register_service"

    found = register(
        tmp_path,
        {"fastdeploy_service_config": {"schedules": schedules}} | script,
        {
            "fastdeploy_service_config": playbook | {"schedules": schedules},
            "fd_project": str(tmp_path),
        },
        {"fastdeploy_service_config": {}} | script,
        then="",
        what=f"[{prefix}_script_calendars, {prefix}_shown_files]",
    )

    calendars = ["freezes.ics", "x/more.ics"]
    assert [[calendars, []], [[], ["a.yml", "hosts", *calendars]], [[], []]] == found


def test_encrypted_files_are_added_to_config_json(tmp_path: Path) -> None:
    for name in ("own.sops.yml", "more.sops.yml"):
        (tmp_path / name).write_text("a: ENC[AES256_GCM,data:x]\n")
    config = {"playbook": "deploy.yml", "sops_files": ["own.sops.yml"]}
    (tmp_path / "config.json").write_text(json.dumps(config))

    [registered] = register(
        tmp_path,
        {"fastdeploy_service_config": "config.json",
         "fd_sops_files": [str(tmp_path / "more.sops.yml")]},
        then="",
    )  # fmt: skip

    assert ["own.sops.yml", "more.sops.yml"] == registered["sops_files"]


def test_a_config_that_the_role_cannot_use_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.json").write_text("{")
    playbook = {"playbook": "deploy.yml"}

    messages = register(
        tmp_path,
        {"fastdeploy_service_config": ["deploy.yml"]},
        {"fastdeploy_service_config": "missing.json"},
        {"fastdeploy_service_config": "config.json"},
        {"fastdeploy_service_config": playbook | {"registration": {}}},
        {"fastdeploy_service_config": playbook | {"name": "other"}},
        {"fastdeploy_service_config": playbook},
        {"fastdeploy_service_config": {"playbook": "../x.yml"}, "fd_project": "/srv"},
        {"fastdeploy_service_config": {}},
        {"fastdeploy_service_config": {"deploy_script": "../run"},
         "fd_runner_content": "#!/bin/sh"},
    )  # fmt: skip

    for message, reason in zip(
        messages,
        ["must be the content", f"{tmp_path}/missing.json", f"{tmp_path}/config.json",
         "Remove `registration`", "set it to fd_service_name, shop", "set fd_project",
         "relative paths inside", "set fd_runner_content", "plain file name"],
        strict=True,
    ):  # fmt: skip
        assert reason in message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become FastDeploy's user")
def test_fastdeploy_validates_config_json_before_a_registration_changes_anything(
    tmp_path: Path,
) -> None:
    fastdeploy = {
        "fd_fastdeploy_command": str(Path(sys.executable).with_name("fastdeploy")),
        "fd_fastdeploy_user": pwd.getpwuid(os.geteuid()).pw_name,
    }
    valid = {"playbook": "deploy.yml"}
    invalid = valid | {"timeout": 0, "environment": {"PORT": 8080}, "kepp": {}}
    cases = [
        {"fastdeploy_service_config": config, "fd_project": "/srv/shop"} | fastdeploy
        for config in (valid, invalid)
    ]

    [accepted, refused] = register(tmp_path, *cases, then="validate.yml")

    assert "shop" == accepted["name"]
    assert "rejects the config.json of shop" in refused
    assert {"timeout", "environment.PORT", "kepp"} <= set(
        re.findall(r"[\w.]+", refused)
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become FastDeploy's user")
def test_a_fastdeploy_yml_that_root_keeps_is_validated_as_it_is_written(
    tmp_path: Path,
) -> None:
    text = "# {{ kept }}\nproject: shop\nservices:\n  site: {playbook: a.yml}\n"
    (tmp_path / "shop.yml").write_text(text)
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("project: shop\nservices: {site: {playbook: a.yml}}\nkepp: 1\n")
    services = {"site": {"playbook": "site.yml"}}
    user = pwd.getpwuid(os.geteuid()).pw_name
    source = {"git": "https://git.example.org/shop.git", "refs": ["main"]}
    fastdeploy = {
        "fd_fastdeploy_command": str(Path(sys.executable).with_name("fastdeploy")),
        "fd_fastdeploy_user": user,
    }

    def cases(*described: object) -> list[dict[str, Any]]:
        return [
            {"fd_project": source | {"description": each}} | fastdeploy
            for each in described
        ]

    name = "_fastdeploy_register_service"
    given, kept, refused = register(
        tmp_path, *cases({"services": services}, "shop.yml", str(wrong)),
        then="validate.yml", what=f"[{name}_description, {name}_project_json]",
    )  # fmt: skip

    (from_dict, project_json), (from_file, _) = given, kept
    assert {"project": "shop", "services": services} == yaml.safe_load(from_dict)
    assert source == {key: project_json[key] for key in source}
    assert {*source, "registration"} == set(project_json)
    assert text == from_file
    assert "rejects the fastdeploy.yml of shop" in refused
    assert "fastdeploy.yml, line 3: kepp: " in refused
