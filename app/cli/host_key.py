"""`fastdeploy host-key`: the host keys that runs trust."""

import sys
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import completion
from app.cli.api import id_segment
from app.cli.context import connect
from app.cli.output import AsJson, moment, print_json, print_table, say
from app.errors import Invalid
from app.runner import known_hosts
from app.runner.known_hosts import HostKey
from app.web.host_key_bodies import HostKeyBody

app = typer.Typer(help="Manage the host keys that runs trust.", no_args_is_help=True)
_Scope = Annotated[
    str,
    typer.Argument(
        help="A project, or a service outside of projects.",
        autocompletion=completion.projects,
    ),
]


@app.command(name="list")
def list_keys(
    scope: Annotated[
        str,
        typer.Argument(
            help="Only those of this project or service.",
            autocompletion=completion.projects,
        ),
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List the accepted host keys with their fingerprints."""
    with connect() as api:
        found = api.pages("/host-keys", scope=scope)
    found.sort(key=itemgetter("scope", "host", "type"))
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "scope", "host", "key", "accepted by", "accepted"),
        (
            (
                each.id,
                each.scope,
                each.host,
                _key(each).label,
                each.accepted_by,
                moment(each.accepted_at),
            )
            for each in map(_parse, found)
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
    with connect() as api:
        found = api.post("/host-keys", {"scope": scope, "known_hosts": lines})
    given = known_hosts.parse(lines)
    if as_json:
        print_json([each for each in found if _key(_parse(each)) in given])
        return
    for key in given:
        say(f"{scope} trusts {key.host} {key.label}")


@app.command()
def remove(
    number: Annotated[int, typer.Argument(metavar="ID", help="The id in the list.")],
) -> None:
    """Remove an accepted host key."""
    with connect() as api:
        removed = _parse(api.delete(f"/host-keys/{id_segment('host key', number)}"))
    say(f"{removed.scope} no longer trusts {removed.host} {_key(removed).label}")


def _parse(body: Any) -> HostKeyBody:
    return HostKeyBody.model_validate(body, extra="ignore")


def _key(body: HostKeyBody) -> HostKey:
    return HostKey(body.host, body.type, body.key)
