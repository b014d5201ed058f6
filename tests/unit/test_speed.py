"""What makes runs faster: which setting applies, and what is said about it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.domain import task_result
from app.domain.events import Output, SpeedChosen
from app.domain.service import Service
from app.runner import fact_cache, speed
from app.runner.ansible_playbook import LOCAL_PIPELINING
from app.runner.definition import Definition, from_content
from app.runner.errors import RunnerError
from app.runner.project_file import config_of
from app.runner.speed import Node
from app.worker.translate import translate

GIB = 1024**3
#: The variables that switch pipelining on.
PIPELINING = f"ANSIBLE_SSH_PIPELINING {LOCAL_PIPELINING}"
SMALL = Node(cores=2, memory=8 * GIB)


def defined(folder: Path, value: object) -> Definition:
    """Return a playbook service with this value of `speed`."""
    (folder / "site.yml").touch()
    content = {"name": "demo", "playbook": "site.yml", "speed": value}
    return from_content(content, folder, "config.json")


def chosen(
    folder: Path,
    value: object,
    env: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    **configured: dict[str, str],
) -> speed.Speed:
    return speed.choose(
        defined(folder, value), options or {}, env or {}, configured, SMALL, Path("/f")
    )


@pytest.mark.parametrize(
    ("value", "env", "configured", "sentence", "ours"),
    [
        ({}, {}, {}, "pipelining, 25 forks", f"{PIPELINING} ANSIBLE_FORKS"),
        (
            False, {}, {},
            'no pipelining ("speed": false), 5 forks ("speed": false)', "",
        ),
        (
            {"pipelining": False, "forks": 7}, {}, {},
            'no pipelining ("speed" of the service), 7 forks ("speed" of the service)',
            "ANSIBLE_FORKS",
        ),
        (
            {}, {},
            {"ssh_connection": {"pipelining": "no"}, "defaults": {"forks": "9"}},
            ("no pipelining (ansible.cfg sets pipelining=no), "
            "9 forks (ansible.cfg sets forks=9)"), "",
        ),
        (
            {}, {}, {"connection": {"pipelining": "True"}},
            "pipelining (ansible.cfg sets pipelining=True), 25 forks",
            f"{LOCAL_PIPELINING} ANSIBLE_FORKS",
        ),
        (
            {"forks": 30}, {"ANSIBLE_PIPELINING": "0", "ANSIBLE_FORKS": "3"}, {},
            ("no pipelining (the environment sets ANSIBLE_PIPELINING), "
            "3 forks (the environment sets ANSIBLE_FORKS)"), "",
        ),
        (
            {}, {"ANSIBLE_KEEP_REMOTE_FILES": "1"}, {"connection": {"pipelining": "1"}},
            "no pipelining (the environment sets ANSIBLE_KEEP_REMOTE_FILES), 25 forks",
            "ANSIBLE_FORKS",
        ),
        (
            {"fact_cache": "1h"}, {}, {},
            "pipelining, 25 forks, smart gathering, facts cached for 60 min",
            (
                f"{PIPELINING} ANSIBLE_FORKS ANSIBLE_GATHERING "
                "ANSIBLE_CACHE_PLUGIN ANSIBLE_CACHE_PLUGIN_CONNECTION "
                "ANSIBLE_CACHE_PLUGIN_TIMEOUT"
            ),
        ),
        (
            {"fact_cache": "1h"}, {},
            {"defaults": {"gathering": "explicit", "forks": "\x1b[2J5"}},
            ("pipelining, [2J5 forks (ansible.cfg sets forks=[2J5), "
            "explicit gathering (ansible.cfg sets gathering=explicit), "
            "no fact cache (ansible.cfg sets gathering=explicit)"),
            PIPELINING,
        ),
        (
            {"fact_cache": "1h"}, {}, {"defaults": {"fact_caching": "redis"}},
            ("pipelining, 25 forks, smart gathering, "
            "own fact cache (ansible.cfg sets fact_caching=redis)"),
            f"{PIPELINING} ANSIBLE_FORKS ANSIBLE_GATHERING",
        ),
    ],
)  # fmt: skip
def test_ansible_cfg_and_environment_come_before_the_key_and_the_choice(
    tmp_path: Path,
    value: object,
    env: dict[str, str],
    configured: dict[str, dict[str, str]],
    sentence: str,
    ours: str,
) -> None:
    found = chosen(tmp_path, value, env, **configured)

    assert sentence == found.describe()
    assert ours.split() == [*found.environment]


def test_options_come_first(tmp_path: Path) -> None:
    options = {"forks": 2, "check": True}

    found = chosen(tmp_path, {"forks": 8, "fact_cache": "1h"}, options=options)

    assert found.describe() == (
        "pipelining, 2 forks (an option), smart gathering, no fact cache (check mode)"
    )
    assert [*found.environment] == [*PIPELINING.split(), "ANSIBLE_GATHERING"]


@pytest.mark.parametrize(
    ("node", "forks"),
    [
        (Node(1, 8 * GIB), 15),
        (Node(2, None), 25),
        (Node(64, 64 * GIB), 50),
        (Node(64, GIB), 10),
        (Node(64, 0), 5),
    ],
)
def test_forks_follow_cores_and_memory(node: Node, forks: int) -> None:
    assert forks == node.forks


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("fast", "false or an object"),
        (True, "false or an object"),
        ({"fork": 1}, "unknown key 'fork'"),
        ({"pipelining": 1}, "pipelining"),
        ({"forks": True}, "forks"),
        ({"forks": 0}, "forks"),
        ({"forks": 1001}, "forks"),
        ({"gathering": "explicit"}, "gathering"),
        ({"fact_cache": "1 hour"}, "fact_cache"),
        ({"fact_cache": "8d"}, "at most"),
        ({"fact_cache": "1h", "gathering": "implicit"}, "smart"),
    ],
)
def test_sync_and_runner_refuse_the_same_values(
    tmp_path: Path, value: object, problem: str
) -> None:
    config = {"name": "demo", "playbook": "site.yml", "speed": value}

    with pytest.raises(ValidationError, match=problem):
        Service.model_validate(config)
    with pytest.raises(RunnerError, match=problem):
        defined(tmp_path, value)


def test_a_stored_service_keeps_its_speed() -> None:
    config = {"name": "demo", "playbook": "site.yml", "speed": {"fact_cache": "1d"}}
    service = Service.model_validate(config)

    assert service == Service.model_validate_json(service.model_dump_json())


def test_a_script_has_no_speed() -> None:
    with pytest.raises(ValidationError, match='"speed" goes with "playbook"'):
        Service.model_validate({"name": "x", "deploy_script": "x.sh", "speed": False})


def test_an_environment_overrides_the_speed_of_a_service() -> None:
    project = {
        "project": "shop",
        "defaults": {"speed": {"forks": 5}},
        "environments": {
            "old": {"inventory": "old.yml", "speed": {"pipelining": False}},
            "new": {"inventory": "new.yml"},
        },
        "services": {"site": {"playbook": "site.yml"}, "x": {"deploy_script": "x.sh"}},
    }

    assert config_of(project, "site", "old")["speed"] == {"pipelining": False}
    assert config_of(project, "site", "new")["speed"] == {"forks": 5}
    assert "speed" not in config_of(project, "x", "old")


def test_what_the_runner_chose_is_an_event_unless_a_script_prints_it() -> None:
    line = b'{"speed": "pipelining, 25 forks", "runner_ident": "7"}'

    assert SpeedChosen("pipelining, 25 forks") == translate(line)
    assert isinstance(translate(line, script=True), Output)
    assert isinstance(translate(line.replace(b"25", b"\\u001b[2J")), Output)
    assert isinstance(translate(line.replace(b"25", b"2" * 2000)), Output)


def test_a_failure_of_sudo_without_a_terminal_names_the_remedy() -> None:
    result = {
        "msg": "Module result deserialization failed: No start of json char found",
        "module_stderr": "sudo: sorry, you must have a tty to run sudo\n",
    }

    found = task_result.read(json.dumps({"event_data": {"res": result}}))

    assert "ansible_pipelining: false" in found.message
    assert found.message.endswith("No start of json char found")


def test_facts_are_removed_when_they_expire_and_with_their_project(
    tmp_path: Path,
) -> None:
    names = ("shop/site@prod", "shop/site@test", "shop2/site", "solo")
    for name in names:
        fact_cache.prepare(tmp_path, name, 3600)
        (fact_cache.place(tmp_path, name) / "web1").touch()
    places = {name: fact_cache.place(tmp_path, name) for name in names}

    os.utime(places["solo"] / "web1", (0, 0))
    fact_cache.prepare(tmp_path, "shop/site@test", 0)

    assert [places[n].exists() for n in names] == [True, False, True, False]
    assert {0o700} == {
        p.stat().st_mode & 0o777 for p in [*places["shop2/site"].parents][:2]
    }

    fact_cache.remove_project(tmp_path, "shop")

    assert [places[n].exists() for n in names] == [False, False, True, False]
