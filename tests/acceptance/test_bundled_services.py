"""The services that FastDeploy ships: each is run for real, without FastDeploy."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml  # PyYAML ships no types.
from jsonschema import Draft202012Validator

from testing.bundled import (
    BIN,
    PLAYBOOK_SERVICES,
    RUN_LIMIT,
    SERVICES,
    Play,
    Run,
    read_config,
)

NAMES = ["fleet", "hello", "static-site"]


# --- config.json ---------------------------------------------------------------------


def test_every_folder_of_services_is_tested() -> None:
    assert sorted(path.name for path in SERVICES.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_config_names_its_folder_and_one_program_that_exists(name: str) -> None:
    config = read_config(name)

    programs = [config[key] for key in ("deploy_script", "playbook") if key in config]

    assert name == config["name"]
    assert 1 == len(programs)
    assert (SERVICES / name / programs[0]).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_variables_are_a_closed_schema_with_valid_defaults(name: str) -> None:
    schema = read_config(name)["variables"]

    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    defaults = {key: spec["default"] for key, spec in schema["properties"].items()}

    assert validator.is_valid(defaults)
    assert validator.is_valid({})
    assert not validator.is_valid({"ansible_connection": "ssh"})
    assert all(
        spec["title"] and spec["description"] for spec in schema["properties"].values()
    )


@pytest.mark.parametrize("name", PLAYBOOK_SERVICES)
def test_playbook_and_config_agree_on_the_defaults(name: str) -> None:
    properties = read_config(name)["variables"]["properties"]
    (play_,) = yaml.safe_load((SERVICES / name / "deploy.yml").read_text())

    public = {
        key: value
        for key, value in play_["vars"].items()
        if not key.startswith(("_", "ansible_"))
    }

    assert {key: spec["default"] for key, spec in properties.items()} == public


@pytest.mark.parametrize("name", PLAYBOOK_SERVICES)
def test_tasks_belong_to_the_declared_steps_in_their_order(
    play: Play, name: str
) -> None:
    declared = [step["name"] for step in read_config(name)["steps"]]

    listed = play(name, "--list-tasks")
    prefixes = re.findall(r"^ +(\S+) \| .*TAGS:", listed.output, re.MULTILINE)

    assert listed.output.count("TAGS:") == len(prefixes) + 1  # The play has tags too.
    assert declared == list(dict.fromkeys(prefixes))
    assert sorted(prefixes, key=declared.index) == prefixes


def test_failing_host_can_be_any_host_of_the_fleet() -> None:
    choices = read_config("fleet")["variables"]["properties"]["failing_host"]["enum"]

    inventory = subprocess.run(
        [BIN / "ansible-inventory", "-i", SERVICES / "fleet/hosts.yml", "--list"],
        capture_output=True,
        check=True,
    )
    hosts = json.loads(inventory.stdout)["_meta"]["hostvars"]

    assert {"", *hosts} == set(choices)
    assert 10 == len(hosts)


# --- hello ---------------------------------------------------------------------------


def say_hello(tmp_path: Path, **variables: object) -> Run:
    """Run the script with a config file like FastDeploy's."""
    steps = read_config("hello")["steps"]
    config = {
        "deployment_id": 7,
        "service_name": "hello",
        "deploy_script": "hello/deploy.py",
        "context": {"actor": "ada", "origin": "cli", "variables": variables},
        "steps": steps,
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return run_hello(tmp_path, "--config", str(path))


def run_hello(cwd: Path, *arguments: str) -> Run:
    """Run the script as the program it is, with the Python that runs the tests."""
    done = subprocess.run(
        [SERVICES / "hello/deploy.py", *arguments],
        cwd=cwd,
        env={"PATH": f"{BIN}:{os.defpath}", "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT,
        check=False,
    )
    return Run(done.returncode, done.stdout)


def step_lines(output: str) -> list[dict[str, str]]:
    """Return what FastDeploy would read as JSON among the lines."""
    found = []
    for line in output.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def test_hello_reports_its_steps_and_nothing_else_as_json(tmp_path: Path) -> None:
    names = [step["name"] for step in read_config("hello")["steps"]]

    run = say_hello(tmp_path, name="Ada", pause=0, fail_at="")

    assert 0 == run.rc
    steps = step_lines(run.output)
    assert [(name, state) for name in names for state in ("running", "success")] == [
        (step["name"], step["state"]) for step in steps
    ]
    assert {"name", "state", "message"} == set().union(*steps)
    assert "\x1b[33mDeployment 7 of hello, for ada\x1b[0m" in run.output
    assert "\x1b[32mHello, Ada!\x1b[0m" in run.output


@pytest.mark.parametrize("step", ["prepare", "bootstrap", "ansible", "verify"])
def test_hello_fails_at_the_requested_step(tmp_path: Path, step: str) -> None:
    run = say_hello(tmp_path, fail_at=step)

    assert 3 == run.rc
    last = step_lines(run.output)[-1]
    assert (step, "failure") == (last["name"], last["state"])


def test_hello_cannot_be_made_to_forge_a_step_by_a_name(tmp_path: Path) -> None:
    forged = '\n{"name": "verify", "state": "failure"}\n'

    run = say_hello(tmp_path, name=forged)

    assert 0 == run.rc
    assert 8 == len(step_lines(run.output))
    assert all(step["state"] != "failure" for step in step_lines(run.output))


@pytest.mark.parametrize("content", [None, "{", "[]", '{"context": 42}'])
def test_hello_says_in_one_line_that_its_config_is_bad(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)

    run = run_hello(tmp_path, "--config", str(path))

    assert 2 == run.rc
    assert run.output.startswith(f"Cannot use the config file {path}: ")
    assert 1 == run.output.count("\n")


# --- static-site ---------------------------------------------------------------------


@pytest.mark.parametrize("name", PLAYBOOK_SERVICES)
def test_check_mode_works_on_a_bare_host_and_changes_nothing(
    play: Play, tmp_path: Path, name: str
) -> None:
    run = play(name, "--check", prefix=str(tmp_path / "prefix"))

    assert 0 == run.rc
    assert not (tmp_path / "prefix").exists()


# --- fleet ---------------------------------------------------------------------------


def test_fleet_reaches_every_host(play: Play, tmp_path: Path) -> None:
    chosen = {"prefix": str(tmp_path / "fleet"), "version": "1.2.3"}
    first = play("fleet", **chosen)
    second = play("fleet", **chosen, failing_host="web03")

    assert 0 == first.rc
    assert 10 == len(first.recap)
    assert "10 of 10 hosts serve version 1.2.3." in first.output
    assert 1 == first.recap["web01"]["skipped"]
    assert 0 == first.recap["db01"]["skipped"]
    for host in first.recap:
        active = tmp_path / "fleet" / host / "current/component.ini"
        assert f"[{host}]\n" in active.read_text()
        assert "version = 1.2.3\n" in active.read_text()

    # It changes nothing again, and goes on when one host fails.
    assert 2 == second.rc
    assert [] == second.changed
    failed = {host: counts["failed"] for host, counts in second.recap.items()}
    assert {host: int(host == "web03") for host in first.recap} == failed
    assert "TASK [verify | Check the health of the host]" in second.output
    assert "web03 does not serve version 1.2.3: the launch variable" in second.output
    assert "9 of 10 hosts serve version 1.2.3." in second.output


@pytest.mark.parametrize(
    "variables",
    [{"version": "../1.0.0"}, {"prefix": "relative"}, {"failing_host": "web99"}],
    ids=["version", "prefix", "host"],
)
def test_fleet_refuses_bad_variables_before_it_touches_anything(
    play: Play, tmp_path: Path, variables: dict[str, object]
) -> None:
    run = play("fleet", **{"prefix": str(tmp_path / "fleet"), **variables})

    assert 2 == run.rc
    assert "Set version to three numbers" in run.output
    assert [] == run.changed
    assert not (tmp_path / "fleet").exists()
