"""Validate a config.json or a fastdeploy.yml, without the database."""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import console, print_json
from app.domain.service import Service
from app.errors import Invalid
from app.web.terminal import plain

SyntaxCheck = Annotated[
    bool,
    typer.Option(
        "--syntax-check/--no-syntax-check",
        help="Whether the playbooks must be there, and Ansible loads each.",
    ),
]


def read_input(limit: int) -> bytes:
    """Return standard input, and of a longer one its first `limit` + 1 bytes."""
    return sys.stdin.buffer.read(limit + 1)


def find_unloadable(
    services: Iterable[Service], place: list[str], folder: Path
) -> Iterator[str]:
    """Yield why Ansible can't load the playbooks of services, each once.

    Args:
        services: The services.
        place: The arguments of the check that name the folder.
        folder: The folder.
    """
    from app.worker import syntax_checks  # noqa: PLC0415 - other commands don't check

    checked = set()
    for service in services:
        # An environment may have variables that the name of an import needs.
        key = (service.playbook, str(service.fixed_variables))
        if service.playbook is None or key in checked:
            continue
        checked.add(key)
        arguments = [*place, "--name", service.name]
        check = asyncio.run(syntax_checks.check(arguments, folder))
        if check.problem:
            yield f"Ansible can't load {service.playbook}: {check.problem}"


def report(problems: Iterable[str], *, as_json: bool) -> None:
    """Print the result, and exit with 1 if there is a problem."""
    error = "; ".join(problems)
    if as_json:
        print_json({"valid": not error, "error": error})
    elif error:
        raise Invalid(plain(error))
    else:
        console.print("[green]valid[/]")
    if error:
        raise typer.Exit(1)
