"""The command line: parse, call, print. Errors are one sentence and exit code 1."""

import gc
import os
import sys
from importlib import import_module
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from app.cli.manual import Page
from app.cli.manual_pages import PAGES, commands_of
from app.errors import FastDeployError, Invalid

#: How many new objects the garbage collector waits for. A command imports hundreds of
#: thousands, which it keeps: with Python's default of 700, the collector takes a tenth
#: of the processor time of a short command.
_NEW_OBJECTS = 10_000


class Entry(NamedTuple):
    """A command or group: its module, its name in there, and its help."""

    module: str
    attribute: str
    help: str


#: The commands and groups in the order of `--help`. Listing them imports no module; the
#: tests compare each help with that of the command.
COMMANDS = {
    "deploy": Entry("deploy", "deploy", "Launch a deployment of a service."),
    "list": Entry("deployment", "list_deployments", "List deployments, newest first."),
    "show": Entry(
        "deployment",
        "show",
        "Show a deployment, its variables and its steps, or where its time went.",
    ),
    "logs": Entry("deployment", "logs", "Print the steps and output of a deployment."),
    "login": Entry("login", "login", "Log in to a server, for all commands."),
    "logout": Entry("login", "logout", "Revoke the token of a login and forget it."),
    "up": Entry("process", "up", "Start PostgreSQL, web and worker on this machine."),
    "web": Entry("process", "web", "Serve the web interface and the API."),
    "worker": Entry("process", "worker", "Run deployments on this host."),
    "deployment": Entry("deployment", "app", "List, show and control deployments."),
    "project": Entry("project", "app", "Add, list and remove projects."),
    "service": Entry("service", "app", "List, sync and check services."),
    "schedule": Entry("schedule", "app", "Manage, pause and run schedules."),
    "webhook": Entry("webhook", "app", "Manage webhooks and their deliveries."),
    "user": Entry("user", "app", "Manage users."),
    "team": Entry("team", "app", "Manage teams of users."),
    "grant": Entry("grant", "app", "Manage permissions on services."),
    "token": Entry("token", "app", "Manage tokens for the API."),
    "host-key": Entry("host_key", "app", "Manage the host keys that runs trust."),
    "credential": Entry("credential", "app", "Manage the credentials of runs."),
    "channel": Entry("channel", "app", "Manage the channels of notifications."),
    "secret": Entry("secret", "app", "Manage the key that encrypts secrets."),
    "audit": Entry("audit", "app", "List, verify and export the audit log."),
    "host": Entry("host", "app", "List hosts and what changed on them."),
    "blame": Entry("blame", "blame", "Show who wrote each line of a file on a host."),
    "node": Entry("node", "app", "List and remove nodes."),
    "environment": Entry(
        "environment",
        "app",
        "List and remove the execution environments of projects.",
    ),
    "db": Entry("database", "app", "Manage the database."),
    "restore": Entry("backup", "app", "Finish restoring a backup."),
}


class LazyGroup(TyperGroup):
    """A group that imports the module of a command when it is called or completed."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the called command; the listed ones have their help only."""
        if not args or args[0] not in COMMANDS:
            return super().resolve_command(ctx, args)
        name, *rest = args
        if ctx.resilient_parsing and not rest and commands_of(name):
            # The shell completes a command of this group.
            return name, _listed(commands_of(name), name=name), rest
        return name, load(name), rest


def _listed(commands: dict[str, str], **about: Any) -> TyperGroup:
    """Return a group whose commands have their help only."""
    stubs: dict[str, Any] = {
        name: TyperCommand(name, help=text) for name, text in commands.items()
    }
    return TyperGroup(commands=stubs, **about)


def load(name: str) -> Any:  # a command of click, of which typer has its own version
    """Import a command or group of COMMANDS."""
    entry = COMMANDS[name]
    found = getattr(import_module(f"app.cli.{entry.module}"), entry.attribute)
    parent = typer.Typer(add_completion=False)
    # With this, a single command is a subcommand, too.
    parent.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name)
    else:
        parent.command(name)(found)
    group: Any = typer.main.get_command(parent)
    command = group.commands[name]
    _add_manual(command, name)
    return command


def _add_manual(command: Any, name: str) -> None:
    """Show the manual of a command, and of those of a group, in their `--help`."""
    for each, found in getattr(command, "commands", {}).items():
        _add_manual(found, f"{name} {each}")
    # The terminal decides where lines end, not the source.
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    if not hasattr(command, "commands"):
        command.epilog = PAGES.get(name, Page(())).epilog


def make_cli() -> Any:  # the same
    """Return the command line, whose commands are imported when they are called."""
    cli = typer.Typer(
        cls=LazyGroup,
        help="FastDeploy: an Ansible-native control plane for deployments.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    cli.callback()(_options)
    group = typer.main.get_command(cli)
    assert isinstance(group, LazyGroup)
    group.commands = {
        name: TyperCommand(name, help=entry.help) for name, entry in COMMANDS.items()
    }
    return group


def main() -> None:
    """Run the command line; print an expected error without a traceback."""
    gc.set_threshold(_NEW_OBJECTS)
    try:
        _require_utf8(sys.argv[1:])
        # Also as `python -m app`: the name of the variable for completions contains it.
        make_cli()(prog_name="fastdeploy")
    except FastDeployError as error:
        _fail(error)
    except ValueError as error:
        # Imported here: most commands don't get here.
        from app.cli.problems import explain_body  # noqa: PLC0415

        _fail(explain_body(error))


def _fail(error: FastDeployError) -> NoReturn:
    print(f"fastdeploy: {error}", file=sys.stderr)
    sys.exit(1)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        # Imported here: it takes time, and every other command does without it.
        from app.version import version  # noqa: PLC0415

        print(f"fastdeploy {version()}")
        raise typer.Exit


def _choose_server(url: str | None) -> None:
    if url is not None:
        # The option and the variable are one setting.
        os.environ["FASTDEPLOY_SERVER"] = url


def _options(
    *,
    _server: Annotated[
        str | None,
        typer.Option(
            "--server",
            metavar="URL",
            callback=_choose_server,
            help="The server to use, or `local` for FastDeploy on this host; by "
            "default FASTDEPLOY_SERVER or the last login.",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """The options of `fastdeploy` itself."""


def _require_utf8(arguments: list[str]) -> None:
    """Raise Invalid for an argument that PostgreSQL could neither store nor find."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise Invalid(f"the argument {argument!r} is not valid UTF-8") from None
