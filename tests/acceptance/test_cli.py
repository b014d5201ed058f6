"""The command line: what it prints, how it exits, and what it says when it can't."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.domain.deployment import Status
from app.domain.node import NodeInstance
from app.sockets import listen
from app.usecases import nodes
from testing.command_line import assert_refused, command
from testing.git_http import GitHttp
from testing.git_repository import GitRepository
from testing.installation import Installation
from testing.paths import ROOT

STEPS = """#!/bin/sh
echo '{"name": "build", "state": "running"}'
printf '\\033[32mgreen\\033[0m\\033]0;title\\007\\302\\2332J\\n[bold]no markup[/]\\n'
printf '%0300d\\n' 0
echo '{"name": "build", "state": "success", "message": "built\\u001b]0;title\\u0007"}'
"""
DEAD = "postgresql://nobody@127.0.0.1:1/nothing"


def test_the_doctor_fails_only_if_there_is_a_problem(fastdeploy: Installation) -> None:
    folder = fastdeploy.write_service("patient", "#!/bin/sh\n")

    well = command(fastdeploy, "service", "doctor", "patient")
    (folder / "config.json").write_text("{")
    ill = command(fastdeploy, "service", "doctor", "patient")

    assert (0, "") == (well.returncode, well.stderr)
    assert "checks on here" in well.stdout
    assert (1, "") == (ill.returncode, ill.stderr)
    assert "problem  patient: config.json: config.json is not JSON" in ill.stdout
    assert "         fix: fastdeploy service sync" in ill.stdout.splitlines()


# Credentials


def test_credentials_are_added_from_files_and_stdin_and_never_shown(
    fastdeploy: Installation, tmp_path: Path
) -> None:
    value = "canary-of-a-credential"
    (tmp_path / "vault").write_text(f"{value}\n")
    command_line = ("--command", "--", "op", "read", "op://prod/key")
    done = [
        command(fastdeploy, "credential", *arguments, stdin=stdin)
        for stdin, arguments in (
            (f"{value}\n", ("add", "become:prod", "--description", "of the shop")),
            ("", ("add", "vault:prod", "--file", str(tmp_path / "vault"))),
            ("", ("add", "ssh:prod", *command_line)),
            ("", ("add", "token:ci", "--ask")),
            ("", ("list", "--json")),
            ("", ("show", "ssh:prod")),
        )
    ]
    refused = command(fastdeploy, "credential", "add", "become:x", value, stdin=value)
    rotated = command(fastdeploy, "secret", "rotate")

    assert [(0, "")] * 6 == [(each.returncode, each.stderr) for each in done]
    assert not any(value in each.stdout for each in (*done, rotated))
    listed = {each["reference"]: each for each in json.loads(done[4].stdout)}
    added = {
        "become:prod": "stored", "ssh:prod": "command", "token:ci": "ask",
        "vault:prod": "stored",
    }  # fmt: skip
    # Another test of this installation may have added one.
    assert added == {name: listed[name]["home"] for name in added}
    assert "op read op://prod/key" in done[5].stdout
    assert 1 == refused.returncode
    assert "isn't taken from the command line" in refused.stderr
    assert "encrypted again: 2 credentials, 0 deployments" in rotated.stdout


def test_a_launch_takes_a_credential_and_a_file_from_the_command_line(
    fastdeploy: Installation, tmp_path: Path
) -> None:
    script = "#!/bin/sh\ntr -d ' ' <$2 | grep -o 'a:\\\\nb\\|hunter2-of-the-test'\n"
    schema = {"properties": {"text": {"type": "string"}}}
    fastdeploy.write_service(
        "asking", script, credentials=["become:asked"], variables=schema
    )
    (tmp_path / "text").write_text("a:\nb")
    for arguments in (("credential", "add", "become:asked", "--ask"),):
        assert 0 == command(fastdeploy, *arguments).returncode

    missing = command(fastdeploy, "deploy", "asking")
    done = command(
        fastdeploy, "deploy", "asking", "--follow", "--credential", "become:asked=-",
        "--extra-file", f"text={tmp_path / 'text'}", stdin="hunter2-of-the-test\n",
    )  # fmt: skip

    assert_refused(missing, "credential.become:asked.password: is required")
    assert 0 == done.returncode, done
    assert "a:\\nb" in done.stdout.splitlines()
    assert "********" in done.stdout.splitlines()
    assert "hunter2" not in done.stdout


def test_a_project_is_added_with_a_token_from_the_command_line(
    fastdeploy: Installation, tmp_path: Path
) -> None:
    token, reference = "canary-token-of-git", "git-token:private"
    repository = GitRepository(tmp_path / "private")
    repository.commit("First", {"site.yml": "- hosts: all\n"})
    with GitHttp(tmp_path, "x-access-token", token).serving() as server:
        url = f"{server.address}/private/.git"
        adding = ("project", "add", url, "--name", "private", "--yes")
        refused = command(fastdeploy, *adding)
        done = [
            command(fastdeploy, *arguments, stdin=f"{token}\n")
            for arguments in (
                ("credential", "add", reference),
                ("credential", "test", reference, "--url", url),
                (*adding, "--credential", reference),
                ("credential", "test", reference, "--project", "private"),
                ("project", "show", "private"),
            )
        ]
        kept = command(fastdeploy, "credential", "remove", reference)

    assert 1 == refused.returncode
    assert "can't be reached" in refused.stderr
    assert [(0, "")] * 5 == [(each.returncode, each.stderr) for each in done]
    assert [f"{url} can be read with it\n"] * 2 == [done[n].stdout for n in (1, 3)]
    assert reference in done[4].stdout
    assert_refused(
        kept,
        f"private can't be fetched without the credential {reference}: remove it from "
        "project.json there first, or force the removal",
    )
    assert not any(token in each.stdout for each in done)


# Deploying


def test_deploy_follow_shows_steps_and_output_until_the_end(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("steps", STEPS, steps=[{"name": "build"}])

    done = command(fastdeploy, "deploy", "steps", "--follow")

    assert (0, "") == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert "[bold]no markup[/]" in lines
    assert "0" * 300 in lines
    assert "✔ build success built" in lines
    assert re.fullmatch(r"deployment \d+ successful", lines[-1])
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout)


def test_follow_passes_colours_on_to_a_terminal_and_nothing_else(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("colours", STEPS)

    done = command(fastdeploy, "deploy", "colours", "--follow", FORCE_COLOR="1",
                   TERM="xterm-256color")  # fmt: skip

    plain = command(fastdeploy, "deploy", "colours", "--follow", FORCE_COLOR="1",
                    TERM="xterm-256color", NO_COLOR="1")  # fmt: skip
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", plain.stdout)

    assert "\x1b[32mgreen\x1b[0m" in done.stdout
    left = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", left)
    assert "title" not in left


def test_deploy_follow_fails_if_the_deployment_does(fastdeploy: Installation) -> None:
    fastdeploy.write_service("fails", "#!/bin/sh\necho no space\nexit 3\n")

    done = command(fastdeploy, "deploy", "fails", "--follow")
    _, _, log = done.stdout.partition("\n")
    number = re.findall(r"deployment (\d+) failed: exit code 3: no space", done.stdout)
    again = command(fastdeploy, "logs", *number, "--follow")
    stored = command(fastdeploy, "deployment", "logs", *number)

    assert (1, "") == (done.returncode, done.stderr)
    assert (1, log) == (again.returncode, again.stdout)
    assert (0, log) == (stored.returncode, stored.stdout)


def test_deploy_prints_the_queued_deployment_as_json(fastdeploy: Installation) -> None:
    fastdeploy.write_service("as-json", "#!/bin/sh\n")

    done = command(fastdeploy, "deploy", "as-json", "--json")
    both = command(fastdeploy, "deploy", "as-json", "--json", "--follow")

    assert "as-json" == json.loads(done.stdout)["service"]
    assert_refused(both, "--json prints the queued deployment; leave out --follow")


def test_deploy_only_queues_without_follow(fastdeploy: Installation) -> None:
    fastdeploy.write_service("queued", "#!/bin/sh\nexit 3\n")

    done = command(fastdeploy, "deploy", "queued")

    queued = re.fullmatch(
        r"deployment (\d+) of queued is queued: (http://\S+)/deployments/\1\n",
        done.stdout,
    )
    assert queued is not None
    number = int(queued[1])
    assert fastdeploy.settings.base_url == queued[2]
    assert (0, "") == (done.returncode, done.stderr)
    assert Status.FAILED is fastdeploy.ended(number).status


VARIABLES = {
    "properties": {
        "count": {"type": "integer", "maximum": 5},
        "color": {"enum": ["red", "blue"]},
        "password": {"type": "string", "writeOnly": True, "minLength": 8},
    }
}


def test_variables_are_typed_and_those_of_a_file_are_added(
    fastdeploy: Installation, tmp_path: Path
) -> None:
    script = (
        f"#!{sys.executable}\nimport json, sys\n"
        "context = json.load(open(sys.argv[2]))['context']\n"
        "found = context['variables']\n"
        "print(found['count'] + 1, found['color'], len(found['password']))\n"
    )
    fastdeploy.write_service("typed", script, variables=VARIABLES)
    secrets = tmp_path / "secrets.json"
    secrets.write_text('{"password": "not in argv"}')

    done = command(fastdeploy, "deploy", "typed", "--follow", "-e", "count=4",
                   "-e", "color=red", "--secret-file", str(secrets))  # fmt: skip
    piped = command(fastdeploy, "deploy", "typed", "--follow", "-e", "count=1",
                    "-e", "color=blue", "--secret-file", "-",
                    stdin=secrets.read_text())  # fmt: skip

    assert 0 == done.returncode == piped.returncode
    assert "5 red 11" in done.stdout.splitlines()
    assert "2 blue 11" in piped.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-e", "count"], "-e takes key=value, not 'count'"),
        (["-e", "count=many"], 'count: "many" is not of type "integer"'),
        (["-e", "count=9"], "count: 9 is greater than the maximum of 5"),
        (["-e", "color=green"], 'color: "green" is not one of "red", "blue"'),
        (["-e", "password=short"], "password: is not what this variable accepts"),
        (["-e", "ansible_connection=local"],
         ("ansible_connection: is not a variable of variables "
          "(known: color, count, password)")),
        (["--secret-file", "/nonexistent.json"],
         ("/nonexistent.json can't be read as JSON: [Errno 2] No such file or "
          "directory: '/nonexistent.json'")),
    ],
    ids=["no-value", "no-number", "too-many", "no-choice", "secret", "unknown", "file"],
)  # fmt: skip
def test_a_bad_variable_is_named(
    fastdeploy: Installation, arguments: list[str], sentence: str
) -> None:
    if not (fastdeploy.services / "variables").exists():
        fastdeploy.write_service("variables", STEPS, variables=VARIABLES)

    done = command(fastdeploy, "deploy", "variables", *arguments)

    assert_refused(done, sentence)


def test_a_schedule_is_listed_paused_resumed_and_run(
    fastdeploy: Installation,
) -> None:
    nightly = {"name": "nightly", "cron": "0 3 1 1 *", "timezone": "Europe/Berlin"}
    fastdeploy.write_service("scheduled", STEPS, schedules=[nightly])
    named = ("scheduled", "nightly")

    ran = command(fastdeploy, "schedule", "run", *named)
    past = command(fastdeploy, "schedule", "pause", *named, "--until", "2020-01-01")
    bad = command(fastdeploy, "schedule", "pause", *named, "--until", "soon")
    paused = command(fastdeploy, "schedule", "pause", *named)
    listed = command(fastdeploy, "schedule", "list", "scheduled")
    resumed = command(fastdeploy, "schedule", "resume", *named)
    as_json = command(fastdeploy, "schedule", "list", "scheduled", "--json")

    assert_refused(past, "the pause must end in the future")
    assert (1, True) == (bad.returncode, "--until must be a time such as" in bad.stderr)
    for done in (ran, paused, listed, resumed, as_json):
        assert (0, "") == (done.returncode, done.stderr)
    number = int(ran.stdout.split()[1])
    assert f"deployment {number} of scheduled is queued\n" == ran.stdout
    assert "schedule nightly of scheduled is paused\n" == paused.stdout
    assert "At 03:00 on January 1" in listed.stdout
    assert "paused" in listed.stdout
    (schedule,) = json.loads(as_json.stdout)
    assert (False, number) == (schedule["paused"], schedule["last_deployment"])
    assert schedule["next_at"].endswith("-01-01T02:00:00Z")
    assert_refused(
        command(fastdeploy, "schedule", "run", "scheduled", "weekly"),
        "service 'scheduled' has no schedule 'weekly'",
    )


def test_artifacts_are_listed_with_their_folder(fastdeploy: Installation) -> None:
    fastdeploy.write_service("listed", "#!/bin/sh\necho hello\n")
    ended = fastdeploy.run("listed")

    done = command(fastdeploy, "deployment", "artifacts", str(ended.id))

    alone = command(fastdeploy, "deployment", "artifacts", str(ended.id), "--path")
    folder, *files = done.stdout.splitlines()
    assert f"{folder}\n" == alone.stdout
    assert str(fastdeploy.run_folder(ended.id) / "artifacts" / str(ended.id)) == folder
    expected = [["1", "rc"], ["10", "status"], ["0", "stderr"], ["6", "stdout"]]
    assert expected == sorted(
        (line.split() for line in files), key=lambda found: found[1]
    )


def test_deployments_are_listed_by_service_and_status_and_shown(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("counted", "#!/bin/sh\necho hello\n")
    fastdeploy.write_service("other", "#!/bin/sh\n")
    first, second = (fastdeploy.run("counted").id for _ in range(2))
    fastdeploy.run("other")

    def ids(*options: str) -> list[int]:
        words = ("deployment", "list", "--service", "counted", *options, "--json")
        done = command(fastdeploy, *words)
        return [each["id"] for each in json.loads(done.stdout)]

    shown = command(fastdeploy, "show", str(first), "--json")
    spent = command(fastdeploy, "show", str(first), "--timing")
    plain = command(fastdeploy, "list", "--service", "counted")
    unknown = command(fastdeploy, "deployment", "list", "--service", "nothing")

    assert [second, first] == ids("--status", "successful")
    assert [second] == ids("--limit", "1")
    assert [] == ids("--status", "failed")
    assert (first, "counted", "successful") == tuple(
        json.loads(shown.stdout)[key] for key in ("id", "service", "status")
    )
    assert 2 == plain.stdout.count(" successful ")
    assert "\x1b" not in plain.stdout
    assert ["waiting", "preparing", "running"] == re.findall(
        "waiting|preparing|running", spent.stdout
    )
    assert_refused(unknown, "there is no service 'nothing'")


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["service", "list"], {"name", "error", "last_status"}),
        (["node", "list"], {"name", "state", "running"}),
        (["user", "list"], {"name", "role", "sessions"}),
        (["token", "list"], {"name", "scopes", "expires_at"}),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_every_list_is_printed_as_json_without_secrets(
    fastdeploy: Installation, words: list[str], keys: set[str]
) -> None:
    name = f"json-{words[0]}"
    fastdeploy.write_service(name, "#!/bin/sh\n")
    command(fastdeploy, "user", "create", name, stdin="a long password\n")
    token = command(fastdeploy, "token", "create", name, "--scope", "view").stdout

    done = command(fastdeploy, *words, "--json")

    assert (0, "") == (done.returncode, done.stderr)
    rows = json.loads(done.stdout)
    assert rows
    assert all(keys <= row.keys() for row in rows)
    assert token.strip() not in done.stdout
    assert "hash" not in done.stdout


# Services, users, tokens


def test_commands_py_syncs_services_and_reports_the_invalid_ones(
    installation: Installation,
) -> None:
    installation.write_service("well", STEPS)
    installation.write_service("gone", STEPS)
    for path in sorted((installation.services / "gone").iterdir()):
        path.unlink()
    (installation.services / "gone").rmdir()
    broken = installation.services / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"name": "broken", "steps": 7}')

    done = subprocess.run(
        [sys.executable, "commands.py", "syncservices"], cwd=ROOT, text=True,
        env=os.environ | installation.variables, capture_output=True, check=False,
    )  # fmt: skip

    assert (1, "") == (done.returncode, done.stderr)
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert ["ok", "well"] in lines
    assert ["archived", "gone"] in lines
    broken_line = next(text for word, text in lines if word == "invalid")
    assert broken_line.startswith("broken: steps: ")


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

    accepted = validate(valid, str(path), "--no-syntax-check")
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
    project = validate("project", str(description), "--json")
    unchecked = validate("project", "-", "--name", "shared")
    other = validate("project", "-", "--name", "infra")

    assert service.stderr.startswith(
        "fastdeploy: Ansible can't load bad.yml: the role 'gone' was not found"
    )
    assert (1, 1) == (service.returncode, project.returncode)
    error = json.loads(project.stdout)["error"]
    assert error.startswith('fastdeploy.yml, line 5: "none.yml" of "playbook" is miss')
    assert "Ansible can't load bad.yml: the role 'gone' was not found" in error
    assert "good.yml" not in error
    assert (0, "valid\n") == (unchecked.returncode, unchecked.stdout)
    assert_refused(
        other,
        'fastdeploy.yml, line 1: project is "shared", but it is registered as "infra"',
    )


def test_a_created_user_can_log_in(fastdeploy: Installation) -> None:
    done = command(fastdeploy, "user", "create", "ada", "--role", "viewer",
                   stdin="a long password\n")  # fmt: skip
    short = command(fastdeploy, "user", "create", "bob", stdin="short\n")
    twice = command(fastdeploy, "user", "create", "ada", stdin="a long password\n")

    with fastdeploy.visitor() as browser:
        wrong = browser.post("/login", data={"name": "ada", "password": "wrong"})
        answer = browser.post(
            "/login", data={"name": "ada", "password": "a long password"}
        )
        page = browser.get("/")

    assert "user ada (viewer) is created\n" == done.stdout
    assert_refused(short, "password: a password has 10 to 1024 characters")
    assert_refused(twice, "there is a user ada already")
    assert [401, 303, 200] == [r.status_code for r in (wrong, answer, page)]


def test_a_created_token_can_do_what_it_was_created_for(
    fastdeploy: Installation,
) -> None:
    done = command(
        fastdeploy, "token", "create", "ci", "--scope", "view", "--days", "1"
    )
    headers = {"Authorization": f"Bearer {done.stdout.strip()}"}

    with fastdeploy.visitor() as client:
        seen = client.get("/api/services", headers=headers)
        sync = client.post("/api/services/sync", headers=headers)
        revoked = command(fastdeploy, "token", "revoke", "ci")
        after = client.get("/api/services", headers=headers)

    assert "token ci is revoked\n" == revoked.stdout
    assert [200, 403, 401] == [r.status_code for r in (seen, sync, after)]


# Errors that a person can act on


def test_tables_are_neither_folded_nor_cut_in_a_pipe(
    fastdeploy: Installation,
) -> None:
    long = f"ip-10-0-12-34.{'a-long-part.' * 12}internal"
    token = "t" * 64
    nodes.beat(fastdeploy.store, long, me=NodeInstance(long), concurrency=1)
    command(
        fastdeploy, "token", "create", token, "--scope", "view", "--scope", "deploy"
    )

    try:
        listed = command(fastdeploy, "node", "list", COLUMNS="40")
        tokens = command(fastdeploy, "token", "list", COLUMNS="40")
    finally:
        nodes.stop(fastdeploy.store, long, NodeInstance(long))

    (node,) = [line for line in listed.stdout.splitlines() if long in line]
    assert "ready" in node
    (found,) = [line for line in tokens.stdout.splitlines() if token in line]
    assert "deploy, view" in found


@pytest.mark.parametrize("days", ["0", "-1", "36501", "100000000", str(10**30)])
def test_a_token_that_expires_at_once_or_beyond_all_dates_is_refused(
    fastdeploy: Installation, days: str
) -> None:
    done = command(
        fastdeploy, "token", "create", "x", "--scope", "view", "--days", days
    )

    assert_refused(done, "days: a token expires after 1 to 36500 days, or never")


def test_nobody_is_logged_out_whom_fastdeploy_does_not_know(
    fastdeploy: Installation,
) -> None:
    assert_refused(
        command(fastdeploy, "user", "logout", "nobody"), "there is no user 'nobody'"
    )


@pytest.mark.parametrize(
    "words",
    [["deploy", "\udcff"], ["user", "logout", "a\udcff"]],
    ids=lambda words: words[0],
)
def test_an_argument_that_is_not_utf8_is_refused(
    fastdeploy: Installation, words: list[str]
) -> None:
    sentence = f"the argument {words[-1]!r} is not valid UTF-8"

    assert_refused(command(fastdeploy, *words), sentence)


@pytest.mark.parametrize("name", ["show", "logs", "cancel", "retry", "artifacts"])
def test_a_number_that_no_deployment_can_have_is_unknown(
    fastdeploy: Installation, name: str
) -> None:
    done = command(fastdeploy, "deployment", name, str(10**20))

    assert_refused(done, f"there is no deployment {10**20}")


def test_an_unknown_service_is_reported_with_the_known_ones(
    installation: Installation,
) -> None:
    installation.write_service("known", STEPS)

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
