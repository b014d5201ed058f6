"""`fastdeploy token`: the tokens for the API."""

from typing import Annotated

import typer

from app.cli.context import current_actor, open_store
from app.cli.output import AsJson, console, moment, print_json, print_table
from app.domain.access import Grant, Permission
from app.usecases import tokens

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
            "services by default."
        ),
    ] = None,
) -> None:
    """Create a token and print it; it is not shown again."""
    limits = [Grant(one, pattern) for one in scope for pattern in services or ()]
    with open_store() as store:
        actor = current_actor()
        if limits:
            print(tokens.create_limited_token(store, actor, name, limits, days))
        else:
            print(tokens.create_token(store, actor, name, scope, days))


@app.command(name="list")
def list_tokens(*, as_json: AsJson = False) -> None:
    """List the tokens that are not revoked, without their secrets."""
    with open_store() as store:
        found = tokens.list_tokens(store, current_actor())
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "scopes", "created", "expires", "last used"),
        (
            (
                f"{token.name} of {token.owner.name}" if token.owner else token.name,
                "by its grants" if token.limited else ", ".join(token.scopes),
                moment(token.created_at),
                moment(token.expires_at, otherwise="never"),
                moment(token.last_used_at, otherwise="never"),
            )
            for token in found
        ),
    )


@app.command()
def revoke(name: str) -> None:
    """Revoke a token."""
    with open_store() as store:
        tokens.revoke_token(store, current_actor(), name)
    console.print(f"token {name} is revoked", markup=False)
