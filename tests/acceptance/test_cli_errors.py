"""Errors on the command line: each is a sentence that says what to do."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.sockets import listen
from testing.command_line import assert_refused, command
from testing.installation import Installation
from testing.paths import ROOT
from testing.scripts import HELLO

DEAD = "postgresql://nobody@127.0.0.1:1/nothing"


def test_a_config_json_is_validated_without_a_database(tmp_path: Path) -> None:
    path = tmp_path / "shop" / "config.json"
    path.parent.mkdir()
    valid, invalid = '{"name": "shop", "playbook": "x.yml"}', '{"timeout": 0}'

    def validate(content: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        path.write_text(content)
        return subprocess.run(
            [sys.executable, "-m", "app", "service", "validate", *arguments],
            env=os.environ | {"FASTDEPLOY_DATABASE_URL": DEAD}, cwd=ROOT,
            input=content, text=True, capture_output=True, check=False,
        )  # fmt: skip

    accepted = validate(valid, str(path.parent), "--no-syntax-check")
    as_json = validate(invalid, "-", "--json")

    assert (0, "valid\n", "") == (accepted.returncode, accepted.stdout, accepted.stderr)
    assert_refused(
        validate(valid.replace("shop", "other"), str(path)),
        'name: is "other", but its folder is "shop"',
    )
    assert 0 == validate(valid.replace("shop", "other"), "-").returncode
    assert (1, False) == (as_json.returncode, json.loads(as_json.stdout)["valid"])
    assert "timeout: " in json.loads(as_json.stdout)["error"]
    assert_refused(
        validate(valid, str(path)),
        f'"x.yml" of "playbook" is missing in {path.parent}: add it, or correct '
        '"playbook".',
    )


def test_validation_lets_ansible_load_the_playbooks(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "infra").mkdir()
    for folder in ("shop", "infra"):
        for name, play in (("good", "tasks: []"), ("bad", "roles: [gone]")):
            (tmp_path / folder / f"{name}.yml").write_text(f"- hosts: all\n  {play}\n")
    config = tmp_path / "shop" / "config.json"
    config.write_text('{"name": "shop", "playbook": "bad.yml"}')
    description = tmp_path / "infra" / "fastdeploy.yml"
    description.write_text(
        "project: shared\nservices:\n  a: {playbook: good.yml}\n"
        "  b: {playbook: bad.yml}\n  c: {playbook: none.yml}\n"
    )

    def validate(kind: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "app", kind, "validate", *arguments], cwd=ROOT,
            env=os.environ | {"FASTDEPLOY_DATABASE_URL": DEAD}, text=True,
            input=description.read_text(), capture_output=True, check=False,
        )  # fmt: skip

    service = validate("service", str(config))
    project = validate("project", str(description.parent), "--json")
    unchecked = validate("project", "-", "--name", "shared")
    other = validate("project", "-", "--name", "infra")

    # Some versions of Ansible begin with a capital letter.
    failure = "Ansible can't load bad.yml: the role 'gone' was not found".lower()
    assert service.stderr.lower().startswith(f"fastdeploy: {failure}")
    assert (1, 1) == (service.returncode, project.returncode)
    error = json.loads(project.stdout)["error"]
    assert error.startswith('fastdeploy.yml, line 5: "none.yml" of "playbook" is miss')
    assert failure in error.lower()
    assert "good.yml" not in error
    assert (0, "valid\n") == (unchecked.returncode, unchecked.stdout)
    assert_refused(
        other,
        'fastdeploy.yml, line 1: project is "shared", but it is registered as "infra"',
    )


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        ("0", "must be at least 1"),
        ("-1", "must be at least 1"),
        ("36501", "must be at most 36500"),
        (str(10**30), "must be at most 36500"),
    ],
)
def test_a_token_that_expires_at_once_or_beyond_all_dates_is_refused(
    installation: Installation, days: str, problem: str
) -> None:
    done = command(
        installation, "token", "create", "x", "--scope", "view", "--days", days
    )

    assert_refused(done, f"days: {problem}")


def test_nobody_is_logged_out_whom_fastdeploy_does_not_know(
    installation: Installation,
) -> None:
    assert_refused(
        command(installation, "user", "logout", "nobody"), "there is no user 'nobody'"
    )


@pytest.mark.parametrize(
    "words",
    [["deploy", "\udcff"], ["user", "logout", "a\udcff"]],
    ids=lambda words: words[0],
)
def test_an_argument_that_is_not_utf8_is_refused(
    installation: Installation, words: list[str]
) -> None:
    sentence = f"the argument {words[-1]!r} is not valid UTF-8"

    assert_refused(command(installation, *words), sentence)


@pytest.mark.parametrize("name", ["show", "logs", "cancel", "retry", "artifacts"])
def test_a_number_that_no_deployment_can_have_is_unknown(
    installation: Installation, name: str
) -> None:
    done = command(installation, "deployment", name, str(10**20))

    assert_refused(done, f"there is no deployment {10**20}")


def test_an_unknown_service_is_reported_with_the_known_ones(
    installation: Installation,
) -> None:
    installation.write_service("known", HELLO)

    done = command(installation, "deploy", "unknown", "--follow")

    assert_refused(done, "there is no service 'unknown' (known: known)")


def test_an_unknown_deployment_is_reported(installation: Installation) -> None:
    for words in (["logs", "--follow"], ["deployment", "artifacts"]):
        assert_refused(command(installation, *words, "4711"),
                       "there is no deployment 4711")  # fmt: skip


def test_an_invalid_setting_is_named_without_its_value(
    installation: Installation,
) -> None:
    done = command(installation, "web", FASTDEPLOY_PORT="many",
                   FASTDEPLOY_DATABASE_URL="mysql://user:hidden@host/x")  # fmt: skip

    assert 1 == done.returncode
    assert "FASTDEPLOY_PORT: " in done.stderr
    assert "FASTDEPLOY_DATABASE_URL: must begin with postgresql://" in done.stderr
    assert "hidden" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["db", "migrate"], ["deploy", "x"], ["worker"]])
def test_an_unreachable_database_is_reported(
    installation: Installation, arguments: Sequence[str]
) -> None:
    done = command(installation, *arguments, FASTDEPLOY_DATABASE_URL=DEAD)

    assert 1 == done.returncode
    assert done.stderr.startswith("fastdeploy: PostgreSQL doesn't answer (")
    assert done.stderr.endswith("that FASTDEPLOY_DATABASE_URL is right\n")
    assert 1 == done.stderr.count("\n")


def test_a_folder_where_nothing_was_started_is_reported(
    installation: Installation, tmp_path: Path
) -> None:
    # Empty is not set; libpq's own variable makes sure that nobody answers.
    done = command(installation, "node", "list", FASTDEPLOY_DATABASE_URL="",
                   FASTDEPLOY_VAR=str(tmp_path), PGHOST=str(tmp_path))  # fmt: skip

    assert 1 == done.returncode
    assert done.stderr.startswith(
        "fastdeploy: FastDeploy isn't started in this folder; `fastdeploy up` does that"
    )
    assert 1 == done.stderr.count("\n")


@pytest.mark.parametrize("name", ["web", "up"])
def test_a_port_in_use_is_reported(installation: Installation, name: str) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = str(listener.getsockname()[1])
        done = command(installation, name, FASTDEPLOY_PORT=port)

    assert_refused(
        done,
        f"FASTDEPLOY_PORT: {port} is in use; stop what listens there, "
        "or choose another port",
    )
