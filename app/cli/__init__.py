"""The command line: parse, call, print. Errors are one sentence and exit code 1."""

import sys

import typer

from app.cli import (
    backup,
    database,
    deployment,
    node,
    process,
    service,
    token,
    user,
)
from app.errors import FastDeployError, Invalid

cli = typer.Typer(
    help="FastDeploy: an Ansible-native control plane for deployments.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
cli.command()(deployment.deploy)
cli.command()(deployment.logs)
cli.command()(process.up)
cli.command()(process.web)
cli.command()(process.worker)
cli.add_typer(deployment.app, name="deployment")
cli.add_typer(service.app, name="service")
cli.add_typer(user.app, name="user")
cli.add_typer(token.app, name="token")
cli.add_typer(node.app, name="node")
cli.add_typer(database.app, name="db")
cli.add_typer(backup.app, name="restore")


def main() -> None:
    """Run the command line; print an expected error without a traceback."""
    try:
        _require_utf8(sys.argv[1:])
        cli()
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
