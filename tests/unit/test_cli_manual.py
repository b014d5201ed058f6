"""The manual of the commands: examples that are valid, and completion from it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app.cli import COMMANDS, load
from app.cli.manual_pages import PAGES, commands_of

#: What takes long to import.
SLOW = {"sqlalchemy", "psycopg", "procrastinate", "structlog", "starlette", "jinja2"}
#: Characters at which a shell ends a command.
REDIRECTIONS = {"|", ">", "<"}


def leaves(commands: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command with its full name."""
    for name, command in commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command.commands, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


FOUND = dict(leaves({name: load(name) for name in COMMANDS}))


def test_each_command_has_a_page_and_each_page_a_command() -> None:
    assert FOUND.keys() == PAGES.keys(), "app/cli/manual_pages.py has the pages"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_examples_that_the_command_accepts(name: str) -> None:
    page, command = PAGES[name], FOUND[name]
    assert page.examples
    # `list` and `deployment list` share a page, whose examples are the short ones.
    name = min((each for each in PAGES if PAGES[each] is page), key=len)

    for example in page.examples:
        words = shlex.split(example.replace("$(", "").replace(")", ""))
        called = words[words.index("fastdeploy") + 1 :]
        end = min((called.index(w) for w in called if w in REDIRECTIONS), default=None)
        arguments = called[:end][len(name.split()) :]
        assert name.split() == called[: len(name.split())]
        if example.startswith("ls "):
            arguments[-1] = arguments[-1].partition("/")[0]
        # It raises a usage error for an unknown option or a missing argument.
        command.make_context(name, arguments)


@pytest.mark.parametrize("name", [name for name in PAGES if " " in name])
def test_what_completion_shows_is_the_help_of_the_command(name: str) -> None:
    first = FOUND[name].help.partition("\n\n")[0]

    assert PAGES[name].help == " ".join(first.split())


@pytest.mark.parametrize("group", ["deployment", "credential", "host-key"])
def test_completing_a_command_of_a_group_imports_no_slow_module(group: str) -> None:
    program = f"""
import sys
from app.cli import main
sys.argv[0] = "fastdeploy"
try:
    main()
except SystemExit:
    pass
print(sorted({SLOW} & sys.modules.keys()), file=sys.stderr)
"""
    env = {
        "_FASTDEPLOY_COMPLETE": "complete_bash", "COMP_WORDS": f"fastdeploy {group} ",
        "COMP_CWORD": "2",
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | env, text=True,
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip

    assert sorted(commands_of(group)) == sorted(done.stdout.split())
    assert "[]\n" == done.stderr


def test_help_shows_the_examples_and_the_exit_codes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "deploy", "--help"], text=True,
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip

    assert "fastdeploy deploy shop -e version=4.2.0 --follow" in done.stdout
    assert "130  Ctrl-C ended --follow" in done.stdout
