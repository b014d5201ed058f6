"""The command line: parse, call, print. Errors are one sentence and exit code 1."""

import sys
from collections.abc import Iterable
from importlib import import_module

import typer

from app.errors import FastDeployError, Invalid

#: The commands and groups in the order of `--help`, each with its module and its name
#: in there. Only the module of the command that is called is imported.
_COMMANDS = {
    "deploy": ("deploy", "deploy"),
    "logs": ("deployment", "logs"),
    "up": ("process", "up"),
    "web": ("process", "web"),
    "worker": ("process", "worker"),
    "deployment": ("deployment", "app"),
    "project": ("project", "app"),
    "service": ("service", "app"),
    "schedule": ("schedule", "app"),
    "user": ("user", "app"),
    "token": ("token", "app"),
    "host-key": ("host_key", "app"),
    "credential": ("credential", "app"),
    "secret": ("secret", "app"),
    "node": ("node", "app"),
    "environment": ("environment", "app"),
    "db": ("database", "app"),
    "restore": ("backup", "app"),
}


def make_cli(names: Iterable[str] = tuple(_COMMANDS)) -> typer.Typer:
    """Return the command line with all its commands, or with those in `names`."""
    cli = typer.Typer(
        help="FastDeploy: an Ansible-native control plane for deployments.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    # With this, one command is a subcommand too.
    cli.callback()(lambda: None)
    for name in names:
        module, attribute = _COMMANDS[name]
        command = getattr(import_module(f"app.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            cli.add_typer(command, name=name)
        else:
            cli.command(name)(command)
    return cli


def main() -> None:
    """Run the command line; print an expected error without a traceback."""
    try:
        arguments = sys.argv[1:]
        _require_utf8(arguments)
        # Anything else needs all commands: help, completion, a mistyped name.
        called = [name for name in arguments[:1] if name in _COMMANDS]
        make_cli(called or _COMMANDS)()
    except FastDeployError as error:
        print(f"fastdeploy: {error}", file=sys.stderr)
        sys.exit(1)


def _require_utf8(arguments: list[str]) -> None:
    """Raise Invalid for an argument that PostgreSQL could neither store nor find."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise Invalid(f"the argument {argument!r} is not valid UTF-8") from None
