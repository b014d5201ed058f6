"""`fastdeploy team`: teams of users."""

from typing import Annotated

import typer

from app.cli import completion
from app.cli.api import segment
from app.cli.context import connect
from app.cli.output import AsJson, print_json, print_table, say
from app.web.grant_bodies import TeamBody

app = typer.Typer(help="Manage teams of users.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(autocompletion=completion.teams)]
_User = Annotated[str, typer.Argument(autocompletion=completion.users)]


@app.command()
def create(name: str) -> None:
    """Create a team."""
    with connect() as api:
        api.post("/teams", {"name": name})
    say(f"team {name} is created")


@app.command(name="list")
def list_teams(*, as_json: AsJson = False) -> None:
    """List the teams with their members."""
    with connect() as api:
        found = api.pages("/teams")
    if as_json:
        print_json(found)
        return
    teams = (TeamBody.model_validate(each, extra="ignore") for each in found)
    rows = ((team.name, ", ".join(team.members)) for team in teams)
    print_table(("name", "members"), rows)


@app.command()
def add(name: _Name, user: _User) -> None:
    """Add a user to a team."""
    with connect() as api:
        api.post(f"{_path(name)}/members", {"user": user})
    say(f"{user} is in team {name}")


@app.command()
def remove(name: _Name, user: _User) -> None:
    """Remove a user from a team."""
    with connect() as api:
        api.delete(f"{_path(name)}/members/{segment('user', user)}")
    say(f"{user} is no longer in team {name}")


@app.command()
def delete(name: _Name) -> None:
    """Delete a team with its grants."""
    with connect() as api:
        api.delete(_path(name))
    say(f"team {name} is deleted")


def _path(name: str) -> str:
    return f"/teams/{segment('team', name)}"
