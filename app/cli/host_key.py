"""`fastdeploy host-key`: the host keys that runs trust."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.context import current_actor, open_store
from app.cli.output import AsJson, console, moment, print_json, print_table
from app.errors import Invalid
from app.runner import known_hosts
from app.usecases import host_keys
from app.web.host_key_bodies import host_key_body

app = typer.Typer(help="Manage the host keys that runs trust.", no_args_is_help=True)
_Scope = Annotated[
    str, typer.Argument(help="A project, or a service outside of projects.")
]


@app.command(name="list")
def list_keys(
    scope: Annotated[
        str | None, typer.Argument(help="Only those of this project or service.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the accepted host keys with their fingerprints."""
    with open_store() as store:
        listed = host_keys.list_keys(store, scope)
    if as_json:
        print_json([host_key_body(each) for each in listed])
        return
    print_table(
        ("id", "scope", "host", "key", "accepted by", "accepted"),
        (
            (
                each.id,
                each.scope,
                each.key.host,
                each.key.label,
                each.accepted_by,
                moment(each.accepted_at),
            )
            for each in listed
        ),
    )


@app.command()
def add(
    scope: _Scope,
    file: Annotated[
        str, typer.Argument(help="A known_hosts file; - is standard input.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Accept the keys in a known_hosts file for all runs of a project or service.

    Each key replaces the one of the same host and type.
    """
    try:
        lines = sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} can't be read: {error}") from None
    if len(lines) > known_hosts.MAX_FILE:
        raise Invalid(f"{file} is larger than {known_hosts.MAX_FILE} bytes")
    with open_store() as store:
        added = host_keys.add(store, current_actor(), scope, lines)
        listed = host_keys.list_keys(store, scope)
    if as_json:
        print_json([host_key_body(each) for each in listed if each.key in added])
        return
    for key in added:
        console.print(f"{scope} trusts {key.host} {key.label}", markup=False)


@app.command()
def remove(
    number: Annotated[int, typer.Argument(metavar="ID", help="The id in the list.")],
) -> None:
    """Remove an accepted host key."""
    with open_store() as store:
        removed = host_keys.remove(store, current_actor(), number)
    key = removed.key
    console.print(
        f"{removed.scope} no longer trusts {key.host} {key.label}", markup=False
    )
