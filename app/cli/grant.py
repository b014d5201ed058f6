"""`fastdeploy grant`: permissions of users, teams and tokens on services."""

from operator import itemgetter
from typing import Annotated, Any

import typer

from app.cli import completion
from app.cli.api import id_segment
from app.cli.context import connect
from app.cli.output import AsJson, moment, print_json, print_table, say
from app.domain.access import Permission, SubjectKind
from app.web.grant_bodies import GrantBody

app = typer.Typer(help="Manage permissions on services.", no_args_is_help=True)

Kind = Annotated[SubjectKind, typer.Argument(help="Who gets the grant.")]


@app.command()
def add(
    kind: Kind,
    name: Annotated[
        str,
        typer.Argument(
            help="The user, team or token.", autocompletion=completion.subjects
        ),
    ],
    permission: Annotated[
        Permission,
        typer.Argument(help="view, check, deploy, cancel, approve, manage."),
    ],
    services: Annotated[
        str,
        typer.Argument(
            help="A service or a pattern, such as 'shop/*@staging'.",
            autocompletion=completion.services,
        ),
    ],
) -> None:
    """Give a user, a team or a token a permission on services."""
    wanted = {
        "subject": kind, "name": name, "permission": permission, "services": services
    }  # fmt: skip
    with connect() as api:
        found = _parse(api.post("/grants", wanted))
    say(f"grant {found.id}: {_describe(found)}")


@app.command(name="list")
def list_grants(*, as_json: AsJson = False) -> None:
    """List the grants, sorted by services."""
    with connect() as api:
        found = sorted(api.pages("/grants"), key=itemgetter("services", "permission"))
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "services", "permission", "who", "added", "by"),
        (
            (
                one.id,
                one.services,
                one.permission,
                f"{one.subject} {one.name}",
                moment(one.created_at),
                one.created_by,
            )
            for one in map(_parse, found)
        ),
    )


@app.command()
def remove(number: Annotated[int, typer.Argument(help="The id of the grant.")]) -> None:
    """Remove a grant by its id."""
    with connect() as api:
        found = _parse(api.delete(f"/grants/{id_segment('grant', number)}"))
    say(f"removed {_describe(found)}")


def _parse(body: Any) -> GrantBody:
    return GrantBody.model_validate(body, extra="ignore")


def _describe(grant: GrantBody) -> str:
    """Return a grant for people, as the audit log does."""
    return f"{grant.subject} {grant.name}: {grant.permission} on {grant.services}"
