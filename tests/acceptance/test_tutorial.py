"""The commands of the tutorials run as they are written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from testing.installation import Installation, installed
from testing.paths import ROOT
from testing.postgres import Postgres

#: `./justw up` is what the fixture has done already, and test_up.py tests it.
_JUSTW = """\
#!/bin/sh
set -eu
[ "$1" = up ] && exit 0
[ "$1" = fastdeploy ]
shift
PYTHONPATH='{root}' exec '{python}' -m app "$@"
"""
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _commands(page: str) -> list[str]:
    """Return the commands of a page, with the lines of their input."""
    text = (ROOT / "docs" / page).read_text()
    commands = re.split(r"^\$ ", "".join(_BLOCK.findall(text)), flags=re.MULTILINE)
    return [each.strip("\n") for each in commands[1:]]


@pytest.mark.parametrize(
    ("page", "shown", "failing"),
    [
        (
            "tutorial.md",
            ["stage2 gets 1.0 for staging", "live1 gets 1.0 for production",
             "stage1 gets 2.0 for staging", "checks on here"],
            [],
        ),
        ("how-to/first-service.md", ["Hello, you!"], ["failing_host=web03"]),
    ],
)  # fmt: skip
def test_each_command_of_the_tutorial_does_what_it_says(
    postgres: Postgres, tmp_path: Path, page: str, shown: list[str], failing: list[str]
) -> None:
    folder = tmp_path / "fastdeploy"
    with installed(postgres, folder) as made:
        for name in ("hello", "fleet"):
            (made.services / name).symlink_to(ROOT / "services" / name)
        made.sync()
        made.worker()
        output = ""
        for words in _commands(page):
            done = _run(made, folder, tmp_path / "home", words)
            fails = any(text in words for text in failing)
            assert fails == bool(done.returncode), words + done.stdout + done.stderr
            output += done.stdout

    assert [text for text in shown if text not in output] == []


def _run(
    made: Installation, folder: Path, home: Path, words: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command in the folder of the installation, as in that of the source."""
    home.mkdir(exist_ok=True)
    justw = folder / "justw"
    justw.write_text(_JUSTW.format(root=ROOT, python=sys.executable))
    justw.chmod(0o755)
    return subprocess.run(
        ["sh", "-euc", words], cwd=folder, text=True, capture_output=True, check=False,
        env=os.environ | made.variables | {"HOME": str(home)}, timeout=120,
    )  # fmt: skip
