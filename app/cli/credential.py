"""`fastdeploy credential`: keys, passwords and tokens of the runs."""

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from app.cli import completion
from app.cli.context import connect
from app.cli.credential_trial import try_here
from app.cli.launch_input import main_field, one_line, read_text
from app.cli.output import (
    AsJson,
    console,
    moment,
    print_fields,
    print_json,
    print_table,
    say,
)
from app.domain.credential import Home, require_reference
from app.errors import Invalid
from app.runner.credential_kinds import FIELDS, Kind
from app.web.credential_bodies import CredentialBody

app = typer.Typer(help="Manage the credentials of runs.", no_args_is_help=True)

_Reference = Annotated[
    str,
    typer.Argument(
        help="kind:name, such as ssh:prod or become:prod.",
        autocompletion=completion.credentials,
    ),
]


@app.command(name="list")
def list_credentials(*, as_json: AsJson = False) -> None:
    """List the credentials, without their values."""
    with connect() as api:
        found = api.pages("/credentials")
    if as_json:
        print_json(found)
        return
    print_table(
        ("credential", "home", "used by", "last used", "changed", "by", "fingerprint"),
        (
            (
                one.reference,
                one.home,
                ", ".join(_needed_by(one)),
                moment(one.last_used_at, otherwise="never"),
                moment(one.changed_at),
                one.changed_by,
                one.fingerprint,
            )
            for one in map(_parse, found)
        ),
    )


@app.command()
def show(reference: _Reference, *, as_json: AsJson = False) -> None:
    """Show a credential, without its value."""
    with connect() as api:
        body = api.get(_path(reference))
    if as_json:
        print_json(body)
        return
    one = _parse(body)
    print_fields(
        (
            ("credential", one.reference),
            ("description", one.description),
            ("home", one.home),
            ("command", " ".join(one.command)),
            ("public key", one.public_key),
            ("fingerprint", one.fingerprint),
            ("used by", ", ".join(_needed_by(one))),
            ("last used", moment(one.last_used_at, otherwise="never")),
            ("deployment", one.last_used_deployment),
            ("created", f"{moment(one.created_at)} by {one.created_by}"),
            ("changed", f"{moment(one.changed_at)} by {one.changed_by}"),
        )
    )


@app.command()
def add(
    reference: _Reference,
    command: Annotated[
        list[str] | None,
        typer.Argument(help="With --command: the program and its arguments, after --."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="File with the value; - for standard input.")
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="File with the passphrase of a private key."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="File with the SSH certificate of the key.")
    ] = None,
    user: Annotated[str, typer.Option(help="User on the hosts or of the token.")] = "",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    *,
    by_command: Annotated[
        bool,
        typer.Option("--command", help="A command prints the value at each launch."),
    ] = False,
    ask: Annotated[bool, typer.Option(help="Ask for it at each launch.")] = False,
    placed: Annotated[
        bool, typer.Option(help="Root has placed it for the user of the runs.")
    ] = False,
    replace: Annotated[bool, typer.Option(help="Replace an existing one.")] = False,
) -> None:
    """Add a credential: its value comes from a file, standard input or a prompt."""
    kind, _ = require_reference(reference)
    homes = {Home.COMMAND: by_command, Home.ASK: ask, Home.PLACED: placed}
    chosen = [home for home, wanted in homes.items() if wanted] or [Home.STORED]
    if len(chosen) > 1:
        raise Invalid("choose one of --command, --ask and --placed")
    if command and not by_command:
        raise Invalid(
            "a value isn't taken from the command line, which other users can see: "
            "give --file or standard input; for a command add --command"
        )
    values = {"user": user}
    if certificate is not None:
        values["certificate"] = read_text(certificate)
    if chosen == [Home.STORED]:
        values |= _value(reference, kind, file, passphrase_file)
    elif file or passphrase_file:
        raise Invalid(f"--file doesn't go with --{chosen[0]}")
    wanted = {
        "home": chosen[0],
        "value": values,
        "command": command or [],
        "description": description,
        "replace": replace,
    }
    with connect() as api:
        one = _parse(api.put(_path(reference), wanted))
    about = f", {one.fingerprint}" if one.fingerprint else ""
    say(
        f"credential {one.reference} is {one.home}{about}"
        if one.home is not Home.ASK
        else f"credential {one.reference} is asked at each launch"
    )
    if one.public_key:
        console.print(one.public_key, markup=False, highlight=False, soft_wrap=True)


@app.command()
def remove(
    reference: _Reference,
    *,
    force: Annotated[bool, typer.Option(help="Although services need it.")] = False,
) -> None:
    """Remove a credential."""
    with connect() as api:
        api.delete(_path(reference), force="true" if force else "false")
    say(f"credential {reference} is removed")


@app.command(name="test")
def try_on(
    reference: _Reference,
    host: Annotated[str, typer.Option(help="Host to try it on.")] = "",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of SSH.")] = 22,
    user: Annotated[str, typer.Option(help="User to log in as.")] = "",
    ssh: Annotated[
        str,
        typer.Option(help="With become: the credential that reaches the host."),
    ] = "",
    known_hosts: Annotated[
        str, typer.Option(help="File with the host keys; by default, your own.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option(help="File that a vault password decrypts.")
    ] = None,
    project: Annotated[
        str, typer.Option(help="Project whose repository a git credential reads.")
    ] = "",
    url: Annotated[
        str, typer.Option(help="Repository that a git credential reads.")
    ] = "",
) -> None:
    """Try a credential on a host, a file or a git repository.

    FastDeploy's host does that. --known-hosts and --url work on that host only: with
    them, a stored value could be sent to any host.
    """
    if known_hosts or url:
        say(try_here(reference, host=host, port=port, user=user, ssh=ssh,
                     known_hosts=known_hosts, url=url))  # fmt: skip
        return
    wanted = {
        "host": host,
        "port": port,
        "user": user,
        "ssh": ssh,
        "project": project,
        "vaulted": read_text(file) if file else "",
    }
    with connect() as api:
        say(api.post(f"{_path(reference)}/test", wanted)["result"])


def _path(reference: str) -> str:
    """Return the path of a credential in the API. Raises InvalidFields."""
    require_reference(reference)
    return f"/credentials/{quote(reference)}"


def _needed_by(one: CredentialBody) -> list[str]:
    """Return the services and projects that need a credential."""
    return [*one.used_by, *(f"project {name}" for name in one.projects)]


def _parse(body: Any) -> CredentialBody:
    return CredentialBody.model_validate(body, extra="ignore")


def _value(
    reference: str, kind: Kind, file: Path | None, passphrase_file: Path | None
) -> dict[str, str]:
    """Read the main field of a kind, and the passphrase of a private key."""
    values = main_field(reference, file)
    if passphrase_file is not None:
        if "passphrase" not in FIELDS[kind]:
            raise Invalid("--passphrase-file goes with a private key")
        values["passphrase"] = one_line(read_text(passphrase_file))
    elif "private_key" in values and sys.stdin.isatty():
        values["passphrase"] = getpass.getpass("Passphrase (empty for none): ")
    return values
