"""The script of docs/how-to/ci.md, as a CI system runs it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

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
