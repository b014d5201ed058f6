"""`fastdeploy user`: who can log in."""

import getpass
import sys
from typing import Annotated

import typer

from app.cli import completion
from app.cli.api import segment
from app.cli.context import connect
from app.cli.output import AsJson, moment, print_json, print_table, say
from app.domain.access import Role
from app.errors import Conflict
from app.web.user_bodies import UserBody

app = typer.Typer(help="Manage users.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(autocompletion=completion.users)]


@app.command(name="list")
def list_users(*, as_json: AsJson = False) -> None:
    """List the users with their role and number of sessions."""
    with connect() as api:
        found = api.pages("/users")
    if as_json:
        print_json(found)
        return
    members = (UserBody.model_validate(each, extra="ignore") for each in found)
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
    with connect() as api:
        api.post("/users", {"name": name, "password": _password(), "role": role})
    say(f"user {name} ({role}) is created")


@app.command(name="set-password")
def set_password(name: _Name) -> None:
    """Set a user's password and end their sessions."""
    with connect() as api:
        api.put(f"{_path(name)}/password", {"password": _password()})
    say(f"user {name} has a new password")


@app.command()
def logout(name: _Name) -> None:
    """End all sessions of a user."""
    with connect() as api:
        ended = api.delete(f"{_path(name)}/sessions")["ended"]
    say(f"sessions ended: {ended}")


@app.command(name="reset-second-factor")
def reset_second_factor(name: _Name) -> None:
    """Remove the second factor of a user, and end their sessions."""
    with connect() as api:
        api.delete(f"{_path(name)}/second-factor")
    say(f"user {name} has no second factor now")


def _path(name: str) -> str:
    return f"/users/{segment('user', name)}"


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Repeat the password: ") != password:
        raise Conflict("the two passwords differ")
    return password
