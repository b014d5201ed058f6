"""The commands of the documentation run as they are written."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testing.installation import Installation, installed
from testing.paths import ROOT
from testing.postgres import Postgres

#: `./justw up` is what the fixture has done already, and test_up.py tests it.
_JUSTW = """\
#!/bin/sh
set -eu
case "$0" in
    */justw)
        [ "$1" = up ] && exit 0
        [ "$1" = fastdeploy ]
        shift ;;
esac
PYTHONPATH='{root}' exec '{python}' -m app "$@"
"""
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


#: Stand for the commands that write the tutorial's repository, and that add it.
_REPOSITORY, _ADDED = "the repository", "the project"


def _commands(page: str) -> list[str]:
    """Return the commands of a page, with the lines of their input."""
    if page == _REPOSITORY:
        return ["\n".join(_commands("tutorial.md")[:4])]
    if page == _ADDED:
        return ["fastdeploy project add ~/infra --yes"]
    text = (ROOT / "docs" / page).read_text()
    commands = re.split(r"^\$ ", "".join(_BLOCK.findall(text)), flags=re.MULTILINE)
    return [each.strip("\n") for each in commands[1:]]


@dataclass(frozen=True)
class Shell:
    """A shell in a folder as that of the source, with `fastdeploy` and `./justw`."""

    made: Installation
    folder: Path

    def run(self, words: str) -> "subprocess.CompletedProcess[str]":
        """Run commands as they are written; the addresses in them are those here."""
        programs, home = self.folder / "bin", self.folder / "home"
        for path in (programs / "fastdeploy", self.folder / "justw"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(_JUSTW.format(root=ROOT, python=sys.executable))
            path.chmod(0o755)
        home.mkdir(exist_ok=True)
        variables = {
            "HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}",
            "TOKEN": self.made.token(),
        }  # fmt: skip
        return subprocess.run(
            ["sh", "-euc", words.replace("http://127.0.0.1:8000", self.made.url)],
            cwd=self.folder, text=True, capture_output=True, check=False,
            env=os.environ | self.made.variables | variables, timeout=120,
        )  # fmt: skip


@pytest.fixture
def shell(postgres: Postgres, tmp_path: Path) -> Iterator[Shell]:
    """A shell beside an installation with two bundled services, web and worker."""
    folder = tmp_path / "fastdeploy"
    with installed(postgres, folder) as made:
        for name in ("hello", "fleet"):
            (made.services / name).symlink_to(ROOT / "services" / name)
        made.sync()
        made.worker()
        made.web()
        yield Shell(made, folder)


@pytest.mark.parametrize(
    ("pages", "shown", "failing"),
    [
        (
            ["tutorial.md"],
            ["stage2 gets 1.0 for staging", "live1 gets 1.0 for production",
             "stage1 gets 2.0 for staging", "checks on here"],
            [],
        ),
        (["how-to/first-service.md"], ["Hello, you!"], ["failing_host=web03"]),
        (
            [_REPOSITORY, "how-to/projects.md"],
            ["stage1 gets 1.0 for staging", '"name":"network/site@staging"',
             "project network is removed", '"archived":["infra/site@production"'],
            [],
        ),
        (
            [_REPOSITORY, _ADDED, "how-to/environments.md", "how-to/options.md",
             "how-to/requirements.md"],
            ["stage2 gets 1.0 for staging", "live1 gets 1.0 for production",
             '"partial":true', "ansible-core"],
            [],
        ),
    ],
    ids=lambda value: value[-1] if "md" in str(value) else "",
)  # fmt: skip
def test_each_command_of_a_page_does_what_it_says(
    shell: Shell, pages: list[str], shown: list[str], failing: list[str]
) -> None:
    output = ""
    for words in [each for page in pages for each in _commands(page)]:
        done = shell.run(words)
        fails = any(text in words for text in failing)
        assert fails == bool(done.returncode), words + done.stdout + done.stderr
        output += done.stdout

    assert [text for text in shown if text not in output] == []
