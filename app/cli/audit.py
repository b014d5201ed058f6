"""`fastdeploy audit`: list, verify and export the audit log."""

import json
import re
from collections.abc import Mapping
from typing import Annotated

import typer

from app.cli.context import connect, current_actor, open_store
from app.cli.output import AsJson, console, moment, print_json, print_table
from app.domain.audit import Action
from app.domain.audit_chain import Link
from app.errors import Invalid
from app.web.audit_bodies import AuditEntryBody

app = typer.Typer(help="List, verify and export the audit log.", no_args_is_help=True)


@app.command(name="list")
def list_entries(
    actor: Annotated[
        str | None, typer.Option(help="Only entries of this actor.")
    ] = None,
    action: Annotated[
        Action | None, typer.Option(help="Only entries of this action.")
    ] = None,
    before: Annotated[
        int | None, typer.Option(help="Only entries with a lower id.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List the latest entries of the audit log, newest first."""
    query = {"actor": actor, "action": action, "before": before}
    with connect() as api:
        found = api.pages("/audit", limit, **query)
    if as_json:
        print_json(found)
        return
    entries = (AuditEntryBody.model_validate(each, extra="ignore") for each in found)
    print_table(
        ("id", "time", "actor", "address", "action", "subject", "deployment"),
        (
            (
                entry.id,
                moment(entry.at),
                entry.actor,
                entry.address,
                entry.action,
                entry.subject,
                entry.deployment or "",
            )
            for entry in entries
        ),
    )


@app.command()
def verify(
    known: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="What an earlier check printed."),
    ] = None,
) -> None:
    """Check the hash chain of the audit log; name the first entry that was changed.

    It reads the database itself, so it works on FastDeploy's host only: the web process
    could be what an attacker has changed.

    The last line is the end of the chain, NUMBER:HASH. Store it outside of the server:
    with --known, a chain that somebody computed again is noticed too.
    """
    from app.usecases import audit  # noqa: PLC0415 - a client does without it

    earlier = None if known is None else _link(known)
    with open_store() as store:
        verification, last = audit.verify(store, current_actor(), earlier)
    if verification.problem:
        raise Invalid(
            f"the audit log was changed: {verification.problem}; "
            f"{verification.intact} entries before it are intact"
        )
    console.print(f"{verification.intact} entries are intact", markup=False)
    console.print(str(last), markup=False, highlight=False, soft_wrap=True)


@app.command()
def export(
    after: Annotated[
        int, typer.Option(min=0, help="Only entries behind this place in the chain.")
    ] = 0,
) -> None:
    """Print the entries as JSON lines, in the order of the chain."""
    query: Mapping[str, object] | None = {"after": after}
    with connect() as api:
        while query is not None:
            entries, query = api.page("/audit/chain", query)
            for entry in entries:
                print(json.dumps(entry))


def _link(text: str) -> Link:
    match = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text)
    if match is None:
        raise Invalid("--known is NUMBER:HASH, as `fastdeploy audit verify` prints it")
    return Link(int(match[1]), bytes.fromhex(match[2]))
