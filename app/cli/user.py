"""`fastdeploy user`: who can log in."""

import getpass
import sys
from typing import Annotated

import typer

from app.cli.context import current_actor, open_store
from app.cli.output import AsJson, console, moment, print_json, print_table
from app.domain.access import Role
from app.errors import Conflict
from app.usecases import second_factor, users

app = typer.Typer(help="Manage users.", no_args_is_help=True)


@app.command(name="list")
def list_users(*, as_json: AsJson = False) -> None:
    """List the users with their role and number of sessions."""
    with open_store() as store:
        members = users.list_users(store, current_actor())
    if as_json:
        print_json(members)
        return
    print_table(
        ("name", "role", "created", "disabled", "sessions"),
        (
            (
                member.name,
                member.role,
                moment(member.created_at),
                moment(member.disabled_at),
                member.sessions,
            )
            for member in members
        ),
    )


@app.command()
def create(
    name: str,
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.DEPLOYER,
) -> None:
    """Create a user; ask for the password, or read it from standard input."""
    with open_store() as store:
        users.create_user(store, current_actor(), name, _password(), role)
    console.print(f"user {name} ({role}) is created", markup=False)


@app.command(name="set-password")
def set_password(name: str) -> None:
    """Set a user's password and end their sessions."""
    with open_store() as store:
        users.set_password(store, current_actor(), name, _password())
    console.print(f"user {name} has a new password", markup=False)


@app.command()
def logout(name: str) -> None:
    """End all sessions of a user."""
    with open_store() as store:
        ended = users.end_sessions(store, current_actor(), name)
    console.print(f"sessions ended: {ended}")


@app.command(name="reset-second-factor")
def reset_second_factor(name: str) -> None:
    """Remove the second factor of a user, and end their sessions."""
    with open_store() as store:
        second_factor.reset(store, current_actor(), name)
    console.print(
        f"user {name} has no second factor now", markup=False, highlight=False
    )


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Repeat the password: ") != password:
        raise Conflict("the two passwords differ")
    return password
