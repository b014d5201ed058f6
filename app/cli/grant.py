"""`fastdeploy grant`: permissions of users, teams and tokens on services."""

from typing import Annotated

import typer

from app.cli.context import current_actor, open_store
from app.cli.output import AsJson, console, moment, print_json, print_table
from app.domain.access import Grant, Permission
from app.store.grants import SubjectKind
from app.usecases import grants

app = typer.Typer(help="Manage permissions on services.", no_args_is_help=True)

Kind = Annotated[SubjectKind, typer.Argument(help="Who gets the grant.")]


@app.command()
def add(
    kind: Kind,
    name: Annotated[str, typer.Argument(help="The user, team or token.")],
    permission: Annotated[
        Permission,
        typer.Argument(help="view, check, deploy, cancel, approve, manage."),
    ],
    services: Annotated[
        str, typer.Argument(help="A service or a pattern, such as 'shop/*@staging'.")
    ],
) -> None:
    """Give a user, a team or a token a permission on services."""
    with open_store() as store:
        wanted = Grant(permission, services)
        found = grants.add(store, current_actor(), kind, name, wanted)
    said = grants.describe(found.subject, found.grant)
    console.print(f"grant {found.id}: {said}", markup=False, highlight=False)


@app.command(name="list")
def list_grants(*, as_json: AsJson = False) -> None:
    """List the grants, sorted by services."""
    with open_store() as store:
        found = grants.list_grants(store, current_actor())
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "services", "permission", "who", "added", "by"),
        (
            (
                str(one.id),
                one.grant.services,
                one.grant.permission,
                f"{one.subject.kind} {one.subject.name}",
                moment(one.created_at),
                one.created_by,
            )
            for one in found
        ),
    )


@app.command()
def remove(number: Annotated[int, typer.Argument(help="The id of the grant.")]) -> None:
    """Remove a grant by its id."""
    with open_store() as store:
        found = grants.remove(store, current_actor(), number)
    said = grants.describe(found.subject, found.grant)
    console.print(f"removed {said}", markup=False, highlight=False)
