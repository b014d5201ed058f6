"""The script of docs/how-to/ci.md, as a CI system runs it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from app.domain.access import Permission
from testing.installation import Installation, installed
from testing.paths import ROOT
from testing.postgres import Postgres

PAGE = ROOT / "docs" / "how-to" / "ci.md"
#: Prints a variable, more than a pipe holds, and what looks like a command of CI.
SERVICE = """#!/bin/sh
grep -o '"version": *"[^"]*"' "$2"
seq 1 20000
echo '::set-output name=x::hostile'
! grep -q broken "$2" || exit 3
"""
#: Notes its arguments. The first time that it follows, the connection is cut.
CURL = """#!/bin/sh
echo "$@" >> "$NOTES/arguments"
case "$*" in
    *follow=1*)
        mkdir "$NOTES/cut" 2>/dev/null && { "$CURL" "$@" | head -c 1000; exit 18; } ;;
esac
exec "$CURL" "$@"
"""
#: The blocks of YAML of the page.
_YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: What CI systems replace, and the variables that they set.
_EXPRESSION = re.compile(r"\$\{\{ *([\w.]+) *\}\}")
_SCRIPT = re.compile(r"^```sh\n(#!/bin/sh\n.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def made(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    with installed(postgres, tmp_path_factory.mktemp("ci")) as made:
        variables = {"properties": {"version": {"type": "string"}}}
        made.write_service("shop", SERVICE, variables=variables)
        made.worker()
        made.web()
        yield made


def run(
    made: Installation, folder: Path, version: str, **env: str
) -> "subprocess.CompletedProcess[str]":
    """Run the script as it is pasted, with a curl that notes what it is called with."""
    found = _SCRIPT.search(PAGE.read_text())
    assert found is not None
    (folder / "deploy.sh").write_text(found[1])
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "curl").write_text(CURL)
    (programs / "curl").chmod(0o755)
    curl = shutil.which("curl")
    assert curl is not None, "run tools/prepare-tests"
    given = {
        "PATH": f"{programs}:{os.environ['PATH']}", "CURL": curl, "NOTES": str(folder),
        "TMPDIR": str(folder), "FASTDEPLOY_URL": made.url, "SERVICE": "shop",
        "FASTDEPLOY_TOKEN": made.token(Permission.VIEW, Permission.DEPLOY),
        "VARIABLES": f'{{"version": "{version}"}}', "BUILD": f"build-{version}",
    }  # fmt: skip
    return subprocess.run(
        ["sh", "deploy.sh"], cwd=folder, env=given | env, text=True,
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_script_prints_the_output_once_although_the_connection_is_cut(
    made: Installation, tmp_path: Path
) -> None:
    done = run(made, tmp_path, "4.2.0")

    number = int(re.findall(r"deployment (\d+) successful", done.stderr)[0])
    assert 0 == done.returncode, done.stderr
    assert made.output(number).decode() == done.stdout
    assert {"version": "4.2.0"} == made.view(number).deployment.variables
    arguments = (tmp_path / "arguments").read_text()
    assert "follow=1&offset=1000" in arguments
    assert "4.2.0" not in arguments.replace("build-4.2.0", "")
    assert "fd_" not in arguments
    assert "Bearer" not in arguments
    # It leaves nothing behind.
    assert {"bin", "deploy.sh", "arguments", "cut"} == {
        p.name for p in tmp_path.iterdir()
    }


def test_the_script_fails_with_the_deployment_and_repeats_none(
    made: Installation, tmp_path: Path
) -> None:
    token = made.token(Permission.VIEW, Permission.DEPLOY)
    first, second = (
        run(made, tmp_path, "broken", FASTDEPLOY_TOKEN=token) for _ in range(2)
    )

    assert (1, 1) == (first.returncode, second.returncode)
    assert "failed exit code 3" in first.stderr
    # The second one shows the deployment of the first one again.
    assert first.stdout == second.stdout
    assert first.stderr.splitlines()[-1] == second.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ({"SERVICE": "nothing"}, "nothing"),
        ({"VARIABLES": '{"other": 1}'}, "other"),
        ({"FASTDEPLOY_TOKEN": "wrong"}, "error"),
    ],
)
def test_the_script_shows_why_a_launch_is_refused(
    made: Installation, tmp_path: Path, env: dict[str, str], shown: str
) -> None:
    done = run(made, tmp_path, "1.0", **env)

    assert 0 < done.returncode
    assert shown in done.stderr
    assert not done.stdout


def shell_parts() -> list[tuple[dict[str, str], str]]:
    """Return the variables and the shell commands of each CI system on the page."""
    found = []
    for block in _YAML.findall(PAGE.read_text()):
        content = yaml.safe_load(block)
        if isinstance(content, list):  # a step of GitHub or Forgejo
            step = content[0]
            found.append((step["env"], step["run"]))
        elif "runs" in content:  # a composite action
            step = content["runs"]["steps"][0]
            found.append((step["env"], step["run"]))
        elif "steps" in content:  # Woodpecker
            step = content["steps"]["deploy"]
            found.append((step["environment"], "\n".join(step["commands"])))
        else:  # GitLab
            job = content["deploy"]
            commands = [*job["before_script"], *job["script"]]
            found.append((job["variables"], "\n".join(commands)))
    return found


@pytest.mark.parametrize(
    ("env", "commands"), shell_parts(),
    ids=["github", "action", "forgejo", "gitlab", "woodpecker"],
)  # fmt: skip
def test_the_shell_part_of_each_ci_system_deploys(
    made: Installation, tmp_path: Path, env: dict[str, object], commands: str
) -> None:
    values = {
        "github.ref_name": "5.0", "inputs.service": "shop", "inputs.url": made.url,
        "inputs.variables": '{"version": "5.0"}', "github.run_id": tmp_path.name,
    }  # fmt: skip
    ci = {"CI_COMMIT_TAG": "5.0", "CI_JOB_ID": tmp_path.name, "CI_REPO_ID": "7",
          "CI_PIPELINE_NUMBER": tmp_path.name,
          "GITHUB_ACTION_PATH": str(tmp_path)}  # fmt: skip
    texts = {
        name: _EXPRESSION.sub(lambda found: values.get(found[1], "1"), str(value))
        .replace("$CI_COMMIT_TAG", "5.0").replace("$CI_JOB_ID", tmp_path.name)
        for name, value in env.items()
    }  # fmt: skip
    given = {
        **ci, **texts, "FASTDEPLOY_URL": made.url,
        "FASTDEPLOY_TOKEN": made.token(Permission.VIEW, Permission.DEPLOY),
    }  # fmt: skip
    (tmp_path / "bin").mkdir()
    # Alpine's package manager; the packages are there.
    (tmp_path / "bin" / "apk").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "apk").chmod(0o755)
    script = _SCRIPT.search(PAGE.read_text())
    assert script is not None
    (tmp_path / "deploy.sh").write_text(script[1])

    done = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=tmp_path, text=True, capture_output=True,
        env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"} | given, check=False,
        timeout=120,
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    number = int(re.findall(r"deployment (\d+) successful", done.stderr)[0])
    assert {"version": "5.0"} == made.view(number).deployment.variables
    assert '"version":"5.0"' in done.stdout
