"""`fastdeploy token`: the tokens for the API."""

from operator import itemgetter
from typing import Annotated, Any

import typer

from app.cli import completion
from app.cli.api import Api
from app.cli.context import connect
from app.cli.output import AsJson, moment, print_json, print_table, say
from app.domain.access import Permission
from app.errors import NotFound
from app.web.token_bodies import TokenBody

app = typer.Typer(help="Manage tokens for the API.", no_args_is_help=True)


@app.command()
def create(
    name: str,
    scope: Annotated[
        list[Permission], typer.Option(help="What the token allows; repeatable.")
    ],
    days: Annotated[
        int | None,
        typer.Option(help="Days until it expires, 1 to 36500; never by default."),
    ] = None,
    services: Annotated[
        list[str] | None,
        typer.Option(
            help="The services it is for, such as 'shop/*@staging'; repeatable. All "
            "services by default.",
            autocompletion=completion.services,
        ),
    ] = None,
) -> None:
    """Create a token and print it; it is not shown again."""
    wanted = {"name": name, "scopes": scope, "days": days, "services": services or []}
    with connect() as api:
        print(api.post("/tokens", wanted)["secret"])


@app.command(name="list")
def list_tokens(*, as_json: AsJson = False) -> None:
    """List the tokens that are not revoked, without their secrets."""
    with connect() as api:
        found = sorted(api.pages("/tokens"), key=itemgetter("name"))
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "scopes", "created", "expires", "last used"),
        (
            (
                f"{token.name} of {token.owner}" if token.owner else token.name,
                "by its grants" if token.limited else ", ".join(token.scopes),
                moment(token.created_at),
                moment(token.expires_at, otherwise="never"),
                moment(token.last_used_at, otherwise="never"),
            )
            for token in map(_parse, found)
        ),
    )


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(autocompletion=completion.tokens)],
) -> None:
    """Revoke a token."""
    with connect() as api:
        api.delete(f"/tokens/{_find(api, name).id}")
    say(f"token {name} is revoked")


def _find(api: Api, name: str) -> TokenBody:
    """Return the token with a name that belongs to nobody. Raises NotFound."""
    for each in map(_parse, api.pages("/tokens")):
        if each.name == name and each.owner is None:
            return each
    raise NotFound(f"there is no token {name!r}")


def _parse(body: Any) -> TokenBody:
    return TokenBody.model_validate(body, extra="ignore")
