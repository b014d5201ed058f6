"""The start of the command line: it lists its commands without importing them."""

import os
import subprocess
import sys

import pytest

from app.cli import COMMANDS, load
from app.version import version

#: What takes long to import.
SLOW = {"sqlalchemy", "psycopg", "procrastinate", "structlog", "starlette", "jinja2"}

#: Commands that call the API.
CLIENT = [
    "deploy", "list", "show", "logs", "deployment", "project", "service", "webhook",
    "user", "team", "grant", "token", "host-key", "credential", "channel", "audit",
    "node",
]  # fmt: skip


def run(code: str, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line, then this code."""
    program = f"""
import sys
from app.cli import main
sys.argv[0] = "fastdeploy"
try:
    main()
except SystemExit:
    pass
{code}
"""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], env=os.environ | env, text=True,
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "env", "printed"),
    [
        (["--help"], {}, "Launch a deployment of a service."),
        (["--version"], {}, f"fastdeploy {version()}\n"),
        (
            [],
            {
                "_FASTDEPLOY_COMPLETE": "complete_bash",
                "COMP_WORDS": "fastdeploy dep",
                "COMP_CWORD": "1",
            },
            "deploy\ndeployment\n",
        ),
    ],
    ids=["help", "version", "completion"],
)
def test_help_version_and_completion_import_no_slow_module(
    arguments: list[str], env: dict[str, str], printed: str
) -> None:
    code = f"print(sorted({SLOW} & sys.modules.keys()), file=sys.stderr)"

    done = run(code, *arguments, **env)

    assert printed in done.stdout
    assert "[]\n" == done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_the_listed_help_is_that_of_the_command(name: str) -> None:
    help_text = load(name).help

    assert COMMANDS[name].help == " ".join(help_text.partition("\n\n")[0].split())


def test_a_client_of_a_server_imports_neither_the_store_nor_the_web_framework() -> None:
    code = f"print(sorted({SLOW} & sys.modules.keys()), file=sys.stderr)"

    done = run(code, "list", FASTDEPLOY_SERVER="http://127.0.0.1:1",
               FASTDEPLOY_TOKEN="x")  # fmt: skip

    said, modules = done.stderr.splitlines()
    assert "http://127.0.0.1:1 can't be reached" in said
    assert "[]" == modules


def test_the_commands_of_a_client_import_neither_the_store_nor_the_web_framework() -> (
    None
):
    code = f"""
from app.cli import load
for name in {CLIENT}:
    load(name)
print(sorted({SLOW} & sys.modules.keys()), file=sys.stderr)"""

    done = run(code, "--version")

    assert "[]\n" == done.stderr
