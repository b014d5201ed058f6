"""The command line: what a person launches, follows and looks at."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.deployment import Status
from testing.command_line import assert_refused, command, every_way
from testing.installation import Installation
from testing.paths import ROOT

STEPS = """#!/bin/sh
echo '{"name": "build", "state": "running"}'
printf '\\033[32mgreen\\033[0m\\033]0;title\\007\\302\\2332J\\n[bold]no markup[/]\\n'
printf '%0300d\\n' 0
echo '{"name": "build", "state": "success", "message": "built\\u001b]0;title\\u0007"}'
"""


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


# Deploying


@every_way
@pytest.mark.usefixtures("either_way")
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


@pytest.mark.usefixtures("either_way")
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


@pytest.mark.usefixtures("either_way")
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


@pytest.mark.usefixtures("either_way")
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


@pytest.mark.usefixtures("either_way")
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


@pytest.mark.usefixtures("either_way")
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


@pytest.mark.usefixtures("either_way")
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
